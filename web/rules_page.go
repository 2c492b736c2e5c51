package web

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"marshrut/internal/staff"
	"marshrut/processes/casework"
)

// rulesPage is what templates/rules.html shows: which route map an inquiry starts.
type rulesPage struct {
	page
	Rules   []ruleLine
	Trials  []casework.Trial
	Tried   bool
	MayEdit bool
	Maps    []option
	Funnels []option
	Problem string
}

// ruleLine is a rule as a line of the form.
type ruleLine struct {
	casework.Rule
	No      int
	Maps    []option
	Funnels []option
	Problem string
}

func (s *Server) showRules(c *gin.Context, actor staff.Actor) error {
	list, err := s.Casework.Rules(c.Request.Context())
	if err != nil {
		return err
	}
	p, err := s.rulesPage(c, actor, list)
	if err != nil {
		return err
	}
	s.pages.show(c, http.StatusOK, "rules", p)
	return nil
}

func (s *Server) rulesPage(c *gin.Context, actor staff.Actor, list []casework.Rule) (rulesPage, error) {
	p := rulesPage{page: s.page(c, actor, "rules.title"), MayEdit: actor.Can(staff.ManageRules)}
	maps, err := s.Processes.Definitions(c.Request.Context(), "")
	if err != nil {
		return p, err
	}
	for _, m := range maps {
		p.Maps = append(p.Maps, option{Value: m.Key, Label: m.Name})
	}
	w, err := s.words(c.Request.Context(), p.Lang)
	if err != nil {
		return p, err
	}
	p.Funnels = w.funnelOptions("")
	if p.MayEdit { // an empty line to write the next rule into
		list = append(slices.Clone(list), casework.Rule{Enabled: true})
	}
	for i, rule := range list {
		if rule.Lane == "" {
			rule.Lane = casework.LaneSale
		}
		p.Rules = append(p.Rules, ruleLine{Rule: rule, No: i, Maps: chosen(p.Maps, rule.Process), Funnels: chosen(p.Funnels, rule.Funnel)})
	}
	return p, nil
}

// chosen marks the option with the value.
func chosen(list []option, value string) []option {
	out := slices.Clone(list)
	for i := range out {
		out[i].Chosen = out[i].Value == value
	}
	return out
}

// saveRules saves the list of the form, tries it on the latest inquiries, or moves one rule up.
func (s *Server) saveRules(c *gin.Context, actor staff.Actor) error {
	list, err := readRules(c)
	if err != nil {
		return err
	}
	var trials []casework.Trial
	trying := c.PostForm("try") != ""
	if trying {
		trials, err = s.Casework.TryRules(c.Request.Context(), actor, list, 50)
	} else {
		err = s.Casework.SaveRules(c.Request.Context(), actor, list)
	}
	if err == nil && !trying {
		s.flash(c, "done.rules")
		c.Redirect(http.StatusSeeOther, "/rules")
		return nil
	}
	var problems casework.RuleProblems
	if err != nil && !errors.As(err, &problems) {
		return err
	}
	p, err := s.rulesPage(c, actor, list)
	if err != nil {
		return err
	}
	status := http.StatusOK
	for _, problem := range problems {
		status = http.StatusUnprocessableEntity
		p.Problem = p.T("rules.problem")
		if problem.Rule < len(p.Rules) {
			p.Rules[problem.Rule].Problem = p.either(problem.Message, problem.MessageEn)
		}
	}
	p.Trials, p.Tried = trials, trying
	s.pages.show(c, status, "rules", p)
	return nil
}

// maxRules bounds the form.
const maxRules = 200

// readRules reads the lines of the form that say anything, in the order of their numbers.
func readRules(c *gin.Context) ([]casework.Rule, error) {
	if err := c.Request.ParseForm(); err != nil {
		return nil, errBadRequest
	}
	type placed struct {
		casework.Rule
		place float64
	}
	var found []placed
	for i := range maxRules {
		get := func(name string) string { return strings.TrimSpace(c.PostForm(name + "." + strconv.Itoa(i))) }
		if !c.Request.PostForm.Has("name." + strconv.Itoa(i)) {
			break
		}
		rule := casework.Rule{Name: get("name"), Condition: get("condition"), Process: get("process"), Funnel: get("funnel"), Lane: get("lane"), Enabled: get("enabled") != ""}
		if rule.Name == "" && rule.Condition == "" && rule.Process == "" || get("delete") != "" {
			continue
		}
		place, err := strconv.ParseFloat(get("place"), 64)
		if err != nil {
			place = float64(i + 1)
		}
		found = append(found, placed{rule, place})
	}
	slices.SortStableFunc(found, func(a, b placed) int { return int(sign(a.place - b.place)) })
	list := make([]casework.Rule, len(found))
	for i, f := range found {
		list[i] = f.Rule
	}
	return list, nil
}

func sign(x float64) float64 {
	switch {
	case x < 0:
		return -1
	case x > 0:
		return 1
	}
	return 0
}
