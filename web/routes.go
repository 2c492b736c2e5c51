package web

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"marshrut/internal/staff"
)

// routes is the table of all addresses of the pages. Beside each stands the right it takes ("" is being signed in); which
// rows somebody sees is asked where they are read.
func (s *Server) routes(engine *gin.Engine) {
	get := func(path string, needs staff.Action, handle personHandler) { engine.GET(path, s.person(needs, handle)) }
	post := func(path string, needs staff.Action, handle personHandler) {
		engine.POST(path, s.person(needs, s.rings(handle)))
	}

	engine.GET("/assets/*name", s.serveAsset)
	engine.GET("/sign-in", s.showSignIn)
	engine.POST("/sign-in", s.signIn)
	engine.POST("/sign-out", s.signOut)

	// My work.
	get("/", "", s.home)
	get("/events", "", s.events)
	post("/news/read", "", s.readNews)
	get("/tasks", staff.WorkTasks, s.showTasks)
	get("/tasks/:id", "", s.showTask)
	get("/tasks/:id/files/:step", "", s.sendStepFile)
	get("/inquiries/:id/files/:n", "", s.sendInquiryFile)
	get("/tasks/:id/work", "", s.showTask) // the address of a refused click, opened again
	post("/tasks/:id/work", staff.WorkTasks, s.workTask)
	post("/tasks/:id/assign", staff.WorkTasks, s.assignTask)

	// Calls at one's telephone.
	get("/calls", staff.WorkTasks, s.showCalls)
	post("/calls/:id/lead", staff.CreateLead, s.onCall(s.openCall))
	post("/calls/:id/attach", staff.EditLead, s.onCall(s.attachCall))
	post("/calls/:id/not-client", staff.EditLead, s.onCall(s.notAClient))

	// Leads.
	get("/leads", "", s.showLeads)
	get("/unassigned", staff.TakeLead, s.showUnassigned)
	get("/leads/new", staff.CreateLead, s.showNewLead)
	post("/leads/new", staff.CreateLead, s.createLead)
	get("/leads/:id", "", s.showLead)
	post("/leads/:id/edit", staff.EditLead, s.onLead("edit", "done.saved", s.editLead))
	post("/leads/:id/contacts", staff.EditLead, s.onLead("log", "done.logged", s.logContact))
	post("/leads/:id/close", staff.EditLead, s.onLead("close", "done.lead", s.closeLead))
	post("/leads/:id/move", staff.EditLead, s.onLead("move", "done.lead", s.moveLead))
	post("/leads/:id/assign", staff.AssignLead, s.onLead("assign", "done.assigned", s.assignLead))
	post("/leads/:id/take", staff.TakeLead, s.onLead("take", "done.taken", s.takeLead))
	post("/leads/:id/reopen", staff.ReopenLead, s.onLead("reopen", "done.reopened", s.reopenLead))

	// Reports.
	get("/reports", staff.SeeReports, s.showReports)
	get("/reports/:name", staff.SeeReports, s.showReport)
	get("/reports/:name/leads", staff.SeeReports, s.showReportLeads)

	// Route maps, their runs, and the rules that start them.
	get("/processes", staff.SeeProcesses, s.showProcesses)
	post("/processes", staff.PublishProcesses, s.publishProcess)
	get("/processes/:key", staff.SeeProcesses, s.showProcess)
	get("/processes/:key/file", staff.SeeProcesses, s.sendProcess)
	get("/instances/:id", staff.SeeProcesses, s.showInstance)
	post("/instances/:id/cancel", staff.ManageInstances, s.cancelInstance)
	post("/incidents/:id/retry", staff.ManageInstances, s.retryIncident)
	get("/rules", staff.ManageRules, s.showRules)
	post("/rules", staff.ManageRules, s.saveRules)

	// The way in.
	get("/connections", staff.SeeConnections, s.showConnections)
	get("/connections/new", staff.ManageConnections, s.newConnection)
	post("/connections/new", staff.ManageConnections, s.saveConnection)
	get("/connections/at/:name", staff.SeeConnections, s.showConnection)
	post("/connections/at/:name", staff.ManageConnections, s.saveConnection)
	post("/connections/at/:name/rotate", staff.ManageConnections, s.rotateConnection)
	post("/connections/at/:name/test", staff.ManageConnections, s.testConnection)
	post("/connections/at/:name/resume", staff.ManageConnections, s.resumeConnection)
	post("/connections/at/:name/failures/retry", staff.DecideFailures, s.retryFailure)
	post("/connections/at/:name/failures/leave", staff.DecideFailures, s.leaveFailure)
	post("/connections/at/:name/enable", staff.ManageConnections, s.enableConnection)
	get("/dead-letters", staff.SeeDeadLetters, s.showDead)
	get("/dead-letters/:id", staff.SeeDeadLetters, s.showDeadLetter)
	post("/dead-letters/:id/replay", staff.ReplayDeadLetters, s.replayDead)
	post("/dead-letters/:id/discard", staff.ReplayDeadLetters, s.discardDead)

	// The way out.
	get("/deliveries", staff.SeeDeadLetters, s.showDeliveries)
	post("/deliveries/resume", staff.ReplayDeadLetters, s.resumeDeliveries)
	post("/deliveries/retry", staff.ReplayDeadLetters, s.retryKind)
	post("/deliveries/discard", staff.ReplayDeadLetters, s.discardKind)
	post("/deliveries/:id/retry", staff.ReplayDeadLetters, s.retryDelivery)
	post("/deliveries/:id/discard", staff.ReplayDeadLetters, s.discardDelivery)

	// The company.
	get("/people", staff.SeePeople, s.showPeople)
	post("/people", staff.ManagePeople, s.addPerson)
	get("/people/:login", staff.ManagePeople, s.showPerson)
	post("/people/:login", staff.ManagePeople, s.savePerson)
	post("/people/:login/switch", staff.ManagePeople, s.switchPerson)
	post("/people/:login/password", staff.ManagePeople, s.resetPassword)
	get("/journal", staff.SeeJournal, s.showJournal)

	// Oneself.
	get("/profile", "", s.showProfile)
	post("/profile/language", "", s.setLanguage)
	post("/profile/theme", "", s.setTheme)
	get("/profile/password", "", s.showPassword)
	post("/profile/password", "", s.changePassword)
	post("/profile/tokens", staff.ManagePeople, s.addToken)
	post("/profile/tokens/:id/revoke", staff.ManagePeople, s.revokeToken)

	s.apiRoutes(engine)
	engine.NoRoute(func(c *gin.Context) {
		if underAPI(c) {
			s.apiMissing(c, http.StatusNotFound)
			return
		}
		s.notFound(c)
	})
	engine.NoMethod(func(c *gin.Context) {
		if underAPI(c) {
			s.apiMissing(c, http.StatusMethodNotAllowed)
			return
		}
		c.String(http.StatusMethodNotAllowed, "method not allowed")
	})
}
