package reports

// The catalog. A cut by manager, source or channel is a table of a report and a
// parameter of every report, never a report of its own.
var catalog = []Report{
	{
		Key:  "funnel",
		Name: Text{"Воронка", "Funnel"},
		Says: Text{"Что стало с лидами: сколько дошло до каждого этапа, где они теряются и что в работе.",
			"What became of the leads: how many came to each stage, where they are lost and what is open."},
		Clocks: []Clock{Cohort, Flow, Snapshot},
		cuts: map[Clock][]cut{
			Cohort: {
				{key: "stage", name: Text{"По этапам", "By stage"}, rows: []string{"funnel", "stage"},
					columns:    []string{"reached", "step", "through", "passed", "skipped", "stage_open", "stage_lost", "stage_junk"},
					chart:      "funnel",
					charted:    []string{"reached"},
					population: population{"cohort"}},
				cohortCut("owner", Text{"По менеджерам", "By owner"}),
				cohortCut("source", Text{"По источникам", "By source"}),
				cohortCut("channel", Text{"По каналам", "By channel"}),
			},
			Flow: {
				{key: "stage", name: Text{"По этапам", "By stage"}, rows: []string{"funnel", "stage"},
					columns:    []string{"entries", "advanced", "dropped", "back", "other_funnel", "here", "advance_rate", "reentries"},
					chart:      "bar",
					charted:    []string{"advanced", "dropped", "back", "other_funnel", "here"},
					population: population{"entry", "closing"}},
				flowCut("owner", Text{"По менеджерам", "By owner"}),
				flowCut("source", Text{"По источникам", "By source"}),
				flowCut("channel", Text{"По каналам", "By channel"}),
			},
			Snapshot: {
				{key: "stage", name: Text{"По этапам", "By stage"}, rows: []string{"funnel", "stage"},
					columns:    []string{"standing", "standing_amount", "weighted_amount", "no_amount", "stage_age", "oldest", "lead_age"},
					chart:      "bar",
					charted:    []string{"standing"},
					population: population{"standing"}},
				snapshotCut("owner", Text{"По менеджерам", "By owner"}),
				snapshotCut("source", Text{"По источникам", "By source"}),
				snapshotCut("channel", Text{"По каналам", "By channel"}),
			},
		},
	},
	{
		Key:  "loss-reasons",
		Name: Text{"Причины отказов", "Loss reasons"},
		Says: Text{"Почему уходят клиенты: причины по дате отказа, с какого этапа, из каких источников и у кого.",
			"Why clients leave: reasons by the date of the loss, from which stage, which sources and whose leads."},
		Clocks: []Clock{Flow},
		cuts: map[Clock][]cut{
			Flow: {
				{key: "reason", name: Text{"По причинам", "By reason"}, rows: []string{"reason"},
					columns:    []string{"closed_lost", "lost_share", "closed_lost_amount"},
					chart:      "bar",
					charted:    []string{"closed_lost"},
					population: population{"closing"}},
				lossCut("stage", Text{"Причины и этапы", "Reasons by stage"}),
				lossCut("source", Text{"Причины и источники", "Reasons by source"}),
				lossCut("owner", Text{"Причины и менеджеры", "Reasons by owner"}),
				{key: "junk", name: Text{"Некачественные", "Junk"}, rows: []string{"reason"},
					columns:    []string{"closed_junk", "junk_share"},
					chart:      "bar",
					charted:    []string{"closed_junk"},
					population: population{"closing"}},
			},
		},
	},
}

func cohortCut(dim string, name Text) cut {
	return cut{key: dim, name: name, rows: []string{dim},
		columns: []string{"leads", "won", "lost", "junk", "open", "conversion", "won_amount", "cycle"},
		across:  "stage", spread: "reached",
		chart: "bar", charted: []string{"won", "lost", "junk", "open"}, population: population{"cohort"}}
}

func flowCut(dim string, name Text) cut {
	return cut{key: dim, name: name, rows: []string{dim},
		columns: []string{"closed_won", "closed_lost", "win_rate", "closed_won_amount", "closed_lost_amount", "win_rate_amount", "reopened"},
		across:  "stage", spread: "entries",
		chart: "bar", charted: []string{"closed_won", "closed_lost"}, population: population{"entry", "closing"}}
}

func snapshotCut(dim string, name Text) cut {
	return cut{key: dim, name: name, rows: []string{dim},
		columns: []string{"standing", "standing_amount", "weighted_amount", "stage_age"},
		across:  "stage", spread: "standing",
		chart: "bar", charted: []string{"standing"}, population: population{"standing"}}
}

func lossCut(across string, name Text) cut {
	return cut{key: "reason-" + across, name: name, rows: []string{"reason"},
		columns: []string{"closed_lost"}, across: across, spread: "closed_lost", population: population{"closing"}}
}

// headline is what stands first in a clock, whatever the table.
var headline = map[string]map[Clock][]string{
	"funnel": {
		Cohort:   {"leads", "won", "lost", "junk", "open", "conversion", "won_amount", "cycle"},
		Flow:     {"entries", "closed_won", "closed_lost", "win_rate", "closed_won_amount", "closed_lost_amount", "win_rate_amount", "reopened"},
		Snapshot: {"standing", "standing_amount", "weighted_amount", "no_amount", "stage_age", "lead_age", "unclosed"},
	},
	"loss-reasons": {
		Flow: {"closed_lost", "closed_lost_amount", "closed_won", "win_rate", "closed_junk", "reopened"},
	},
}
