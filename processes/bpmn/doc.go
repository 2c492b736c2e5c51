package bpmn

// The mr: namespace (http://marshrut/bpmn/1.0), all of it. Attributes ending in .en are the English texts; conditions and
// values are expressions (see condition.go), {{…}} in a text is filled in.
//
//	process   <mr:var name type="string|number|bool|date|list|any" value/>           variables, named vars.NAME
//	lane      mr:role="manager"                                                     else the role of the lane's name
//	any node  mr:stage="proposal" or <mr:stage key/>                                the subject enters this stage
//	          <mr:set name value/>                                                  assignments when it is done
//	user task mr:name.en
//	          <mr:assignment role mode="roundRobin|leastLoaded|owner|familiar|called|role" fallbackRole substitutes="false"/>
//	          <mr:deadline startBy due warnAt dueFrom at="18:00" calendar="always"/>  ISO 8601 of working time, or "=…"
//	          <mr:escalation level after action="notify|reassign" to="role:head|owner|mode:leastLoaded"/>
//	          <mr:checklist order="strict|any">
//	            <mr:step id kind="confirm|input|call|message|file|date|choice" title title.en hint type="number"
//	                     required requiredFor="outcome …" requiredWhen when field="lead.amount"
//	                     evidence evidenceText validate message values="a b">
//	              <mr:value id label label.en/>
//	          <mr:outcome id label label.en when closes="won|lost|junk" reason comment toward stage> <mr:set/>
//	          <mr:hint text.en>…</mr:hint>   <mr:priority value/>   <mr:skip role="head"/>
//	service,  <mr:action name wait="true" PARAM="…"> <mr:param name>…</mr:param> <mr:in name value/>   see StandardActions
//	send task
//	script    <bpmn:script>attempts = vars.attempts + 1</bpmn:script>                 one assignment on a line
//	call      <mr:call process/>  <mr:in name value/>; results by <mr:set value="child.NAME"/>
//	timer     mr:working="true" mr:at="10:00"                                         on the event or its definition
//	message   mr:message="payment.received"                                           else the name of the message
//	flow      mr:outcome="talked"                                                     else the outcome of the flow's name
//
// Expressions name the fields of the Environment (lead.amount), vars.X, steps.X (the newest value of a step), outcome (of
// the user task before, on this way), outcomes.TASK, now, today, working (is it working time now); in a checklist the facts
// (contacts.out) and value; behind a message message.X, behind a call child.X.
