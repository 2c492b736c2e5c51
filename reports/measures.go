package reports

// Measure is a number with one meaning. Every report that shows it shows this
// definition of it.
type Measure struct {
	Key   string
	Name  Text
	Says  Text // exactly what it counts
	Unit  Unit
	Clock Clock

	over  relation // what it counts over; none when it is made of other measures
	value string   // SQL aggregate; count(*) when empty
	where string   // SQL condition: the rows it counts, and the leads it lists
	whole bool     // also counts what is excluded from leads

	share  [2]string // or: this measure over that one
	step   string    // or: of the next stage, this measure over itself here
	ofAll  string    // or: this measure over its total
	single bool      // rows do not add up to it (a lead can be in several)
}

func (m Measure) aggregate() string {
	value := m.value
	if value == "" {
		value = "count(*)"
	}
	return value + " filter (where " + m.condition() + ")"
}

func (m Measure) condition() string {
	condition := m.where
	if condition == "" {
		condition = "true"
	}
	if m.whole {
		return condition
	}
	return "excluded = '' and (" + condition + ")"
}

// sums tells whether the rows of a table add up to the total.
func (m Measure) sums() bool {
	return m.over != "" && !m.single && (m.Unit == Count || m.Unit == Money)
}

// drills tells whether the number is a list of leads.
func (m Measure) drills() bool { return m.over != "" && m.Unit != Duration }

var measures = index(
	// The cohort: leads by the date they were received.
	Measure{Key: "leads", Clock: Cohort, Unit: Count, over: cohort,
		Name: Text{"Лиды", "Leads"},
		Says: Text{"Лиды, первое обращение которых получено в периоде. Тестовые, спам и дубли не входят и показаны отдельной строкой.",
			"Leads whose first inquiry was received in the period. Tests, spam and duplicates are left out and shown on a line of their own."}},
	Measure{Key: "won", Clock: Cohort, Unit: Count, over: cohort, where: "outcome = 'won'",
		Name: Text{"Успех", "Won"},
		Says: Text{"Лиды, поступившие в периоде, которые на момент «состояние на» закрыты успешно.",
			"Leads received in the period that were won at the \"as of\" moment."}},
	Measure{Key: "lost", Clock: Cohort, Unit: Count, over: cohort, where: "outcome = 'lost'",
		Name: Text{"Отказ", "Lost"},
		Says: Text{"Лиды, поступившие в периоде, которые на момент «состояние на» закрыты отказом.",
			"Leads received in the period that were lost at the \"as of\" moment."}},
	Measure{Key: "junk", Clock: Cohort, Unit: Count, over: cohort, where: "outcome = 'junk'",
		Name: Text{"Некачественные", "Junk"},
		Says: Text{"Лиды, поступившие в периоде, которые на момент «состояние на» закрыты как некачественные (ошибка, соискатель, поставщик и т. п.; спам и дубли считаются отдельно).",
			"Leads received in the period that were closed as junk at the \"as of\" moment (a mistake, a job seeker, a supplier; spam and duplicates are counted apart)."}},
	Measure{Key: "open", Clock: Cohort, Unit: Count, over: cohort, where: "outcome = 'open'",
		Name: Text{"В работе", "Open"},
		Says: Text{"Лиды, поступившие в периоде, которые на момент «состояние на» не закрыты или открыты снова.",
			"Leads received in the period that were not closed, or were open again, at the \"as of\" moment."}},
	Measure{Key: "won_amount", Clock: Cohort, Unit: Money, over: cohort, where: "outcome = 'won'", value: "sum(amount)",
		Name: Text{"Сумма успеха", "Amount won"},
		Says: Text{"Сумма сделки при успешном закрытии по лидам, поступившим в периоде. Суммы в других валютах не входят.",
			"Amount at the winning close of the leads received in the period. Amounts in other currencies are not in it."}},
	Measure{Key: "conversion", Clock: Cohort, Unit: Percent, share: [2]string{"won", "leads"},
		Name: Text{"Конверсия в успех (когорта)", "Conversion to won (cohort)"},
		Says: Text{"Успех ÷ Лиды. Лиды в работе остаются в знаменателе, поэтому у незрелой когорты конверсия ещё вырастет. Это не доля выигранных.",
			"Won ÷ Leads. Open leads stay in the denominator, so the conversion of an immature cohort will still grow. It is not the win rate."}},
	Measure{Key: "cycle", Clock: Cohort, Unit: Duration, over: cohort, where: "outcome in ('won', 'lost')",
		value: "percentile_cont(0.5) within group (order by cycle)",
		Name:  Text{"Медиана цикла", "Median cycle"},
		Says: Text{"Половина закрытых успехом или отказом лидов периода закрыта быстрее: календарное время от получения обращения до закрытия.",
			"Half of the won and lost leads of the period were closed faster than this: calendar time from the inquiry to the close."}},

	// The cohort, stage by stage.
	Measure{Key: "base", Clock: Cohort, Unit: Count, over: climb, single: true,
		Name: Text{"Лиды воронки", "Leads of the funnel"},
		Says: Text{"Все лиды периода в этой воронке: знаменатель сквозной конверсии.",
			"All leads of the period in this funnel: the denominator of the through conversion."}},
	Measure{Key: "reached", Clock: Cohort, Unit: Count, over: climb, where: "reached", single: true,
		Name: Text{"Дошли до этапа", "Reached"},
		Says: Text{"Лиды, дошедшие до этапа или дальше. Успешный лид дошёл до всех этапов; отказ – только до самого дальнего, в котором действительно был.",
			"Leads that came to the stage or further. A won lead has reached all stages; a lost one only up to the furthest it truly entered."}},
	Measure{Key: "passed", Clock: Cohort, Unit: Count, over: climb, where: "passed", single: true,
		Name: Text{"Были на этапе", "Visited"},
		Says: Text{"Лиды, которые были на этапе хотя бы раз; возврат не считается дважды.",
			"Leads that were in the stage at least once; coming back does not count twice."}},
	Measure{Key: "skipped", Clock: Cohort, Unit: Count, over: climb, where: "reached and not passed", single: true,
		Name: Text{"Миновали этап", "Skipped"},
		Says: Text{"Дошли до этапа − Были на этапе: лиды, которые перешли через этап, не побывав в нём.",
			"Reached − Visited: leads that went past the stage without being in it."}},
	Measure{Key: "step", Clock: Cohort, Unit: Percent, step: "reached",
		Name: Text{"В следующий этап", "To the next stage"},
		Says: Text{"Дошли до следующего этапа ÷ Дошли до этого.",
			"Reached the next stage ÷ Reached this one."}},
	Measure{Key: "through", Clock: Cohort, Unit: Percent, share: [2]string{"reached", "base"},
		Name: Text{"Сквозная конверсия", "Through conversion"},
		Says: Text{"Дошли до этапа ÷ все лиды периода в этой воронке.",
			"Reached ÷ all leads of the period in this funnel."}},
	Measure{Key: "stage_open", Clock: Cohort, Unit: Count, over: climb, where: "last and outcome = 'open'",
		Name: Text{"Сейчас на этапе", "There now"},
		Says: Text{"Лиды периода, которые на момент «состояние на» в работе и стоят на этом этапе.",
			"Leads of the period that were open and in this stage at the \"as of\" moment."}},
	Measure{Key: "stage_lost", Clock: Cohort, Unit: Count, over: climb, where: "last and outcome = 'lost'",
		Name: Text{"Отказ с этапа", "Lost from here"},
		Says: Text{"Лиды периода, закрытые отказом, для которых этот этап был последним.",
			"Lost leads of the period for which this stage was the last."}},
	Measure{Key: "stage_junk", Clock: Cohort, Unit: Count, over: climb, where: "last and outcome = 'junk'",
		Name: Text{"Некачественные с этапа", "Junk from here"},
		Says: Text{"Лиды периода, закрытые как некачественные, для которых этот этап был последним.",
			"Junk leads of the period for which this stage was the last."}},

	// The flow: movements by the date they happened.
	Measure{Key: "entries", Clock: Flow, Unit: Count, over: entry, where: "first",
		Name: Text{"Входы в этап", "Entries"},
		Says: Text{"Первые входы лидов в этап, случившиеся в периоде; лид мог быть получен и раньше.",
			"First entries of leads into the stage that happened in the period; the lead may have been received before."}},
	Measure{Key: "advanced", Clock: Flow, Unit: Count, over: entry, where: "first and fate = 'advanced'",
		Name: Text{"Дальше", "Advanced"},
		Says: Text{"Из вошедших: ушли на следующие этапы или в успех.",
			"Of those entered: went on to later stages or were won."}},
	Measure{Key: "dropped", Clock: Flow, Unit: Count, over: entry, where: "first and fate = 'lost'",
		Name: Text{"Закрыты", "Closed"},
		Says: Text{"Из вошедших: закрыты с этого этапа отказом или как некачественные.",
			"Of those entered: closed from this stage as lost or junk."}},
	Measure{Key: "back", Clock: Flow, Unit: Count, over: entry, where: "first and fate = 'back'",
		Name: Text{"Назад", "Back"},
		Says: Text{"Из вошедших: возвращены на более ранний этап.",
			"Of those entered: moved back to an earlier stage."}},
	Measure{Key: "other_funnel", Clock: Flow, Unit: Count, over: entry, where: "first and fate = 'other_funnel'",
		Name: Text{"В другую воронку", "To another funnel"},
		Says: Text{"Из вошедших: переданы в другую воронку.",
			"Of those entered: handed to another funnel."}},
	Measure{Key: "here", Clock: Flow, Unit: Count, over: entry, where: "first and fate = 'here'",
		Name: Text{"Ещё здесь", "Still there"},
		Says: Text{"Из вошедших: на момент «состояние на» всё ещё на этом этапе.",
			"Of those entered: still in this stage at the \"as of\" moment."}},
	Measure{Key: "reentries", Clock: Flow, Unit: Count, over: entry, where: "not first",
		Name: Text{"Повторные входы", "Entered again"},
		Says: Text{"Входы в этап, где лид уже был раньше. Во «Входы в этап» они не считаются.",
			"Entries into a stage where the lead had been before. They are not in \"Entries\"."}},
	Measure{Key: "advance_rate", Clock: Flow, Unit: Percent, share: [2]string{"advanced", "entries"},
		Name: Text{"Доля прошедших дальше", "Share advanced"},
		Says: Text{"Дальше ÷ Входы в этап.", "Advanced ÷ Entries."}},
	Measure{Key: "closed_won", Clock: Flow, Unit: Count, over: closing, where: "kind = 'won'",
		Name: Text{"Выиграно за период", "Won in the period"},
		Says: Text{"Лиды, успешно закрытые в периоде. Если лид закрывали несколько раз, считается только последнее закрытие, действующее на момент «состояние на».",
			"Leads won by a close in the period. Of several closings of a lead only the last one, in force at the \"as of\" moment, counts."}},
	Measure{Key: "closed_lost", Clock: Flow, Unit: Count, over: closing, where: "kind = 'lost'",
		Name: Text{"Проиграно за период", "Lost in the period"},
		Says: Text{"Лиды, закрытые отказом в периоде, по последнему действующему закрытию; заслуга и отказ числятся за тем, кто отвечал за лид в тот момент.",
			"Leads lost by a close in the period, by the last closing in force; credited to who owned the lead at that moment."}},
	Measure{Key: "closed_won_amount", Clock: Flow, Unit: Money, over: closing, where: "kind = 'won'", value: "sum(amount)",
		Name: Text{"Выиграно на сумму", "Amount won in the period"},
		Says: Text{"Сумма лидов «Выиграно за период» на момент закрытия. Суммы в других валютах не входят.",
			"Amount at the close of the leads won in the period. Amounts in other currencies are not in it."}},
	Measure{Key: "closed_lost_amount", Clock: Flow, Unit: Money, over: closing, where: "kind = 'lost'", value: "sum(amount)",
		Name: Text{"Проиграно на сумму", "Amount lost in the period"},
		Says: Text{"Сумма лидов «Проиграно за период» на момент закрытия. Суммы в других валютах не входят.",
			"Amount at the close of the leads lost in the period. Amounts in other currencies are not in it."}},
	Measure{Key: "win_rate", Clock: Flow, Unit: Percent, share: [2]string{"closed_won", "closed_decided"},
		Name: Text{"Доля выигранных", "Win rate"},
		Says: Text{"Выиграно ÷ (Выиграно + Проиграно) по фактической дате закрытия. Некачественные и лиды в работе не входят, поэтому это не вероятность сделки.",
			"Won ÷ (Won + Lost) by the actual date of closing. Junk and open leads are not in it, so it is not the probability of a deal."}},
	Measure{Key: "closed_decided", Clock: Flow, Unit: Count, over: closing, where: "kind in ('won', 'lost')",
		Name: Text{"Решено за период", "Decided in the period"},
		Says: Text{"Выиграно + Проиграно за период.", "Won + Lost in the period."}},
	Measure{Key: "win_rate_amount", Clock: Flow, Unit: Percent, share: [2]string{"closed_won_amount", "closed_decided_amount"},
		Name: Text{"Доля выигранных по сумме", "Win rate by amount"},
		Says: Text{"Выиграно на сумму ÷ (Выиграно на сумму + Проиграно на сумму).",
			"Amount won ÷ (Amount won + Amount lost)."}},
	Measure{Key: "closed_decided_amount", Clock: Flow, Unit: Money, over: closing, where: "kind in ('won', 'lost')", value: "sum(amount)",
		Name: Text{"Решено на сумму", "Amount decided in the period"},
		Says: Text{"Выиграно на сумму + Проиграно на сумму.", "Amount won + Amount lost."}},
	Measure{Key: "lost_share", Clock: Flow, Unit: Percent, ofAll: "closed_lost",
		Name: Text{"Доля отказов", "Share of losses"},
		Says: Text{"Проиграно в этой строке ÷ всё проигранное за период.", "Lost in this row ÷ all that was lost in the period."}},
	Measure{Key: "closed_junk", Clock: Flow, Unit: Count, over: closing, where: "kind = 'junk' and excluded <> 'test'", whole: true,
		Name: Text{"Закрыто как некачественные", "Closed as junk"},
		Says: Text{"Лиды, закрытые в периоде как некачественные, вместе со спамом и дублями; тестовые не входят.",
			"Leads closed as junk in the period, with spam and duplicates; tests are not in it."}},
	Measure{Key: "junk_share", Clock: Flow, Unit: Percent, ofAll: "closed_junk",
		Name: Text{"Доля некачественных", "Share of junk"},
		Says: Text{"Закрыто как некачественные в этой строке ÷ все такие за период.", "Closed as junk in this row ÷ all such in the period."}},
	Measure{Key: "decided_cycle", Clock: Flow, Unit: Duration, over: closing, where: "kind in ('won', 'lost')",
		value: "percentile_cont(0.5) within group (order by cycle)",
		Name:  Text{"Медиана цикла решённых", "Median cycle of the decided"},
		Says: Text{"Половина лидов, решённых в периоде, закрыта быстрее: календарное время от получения обращения до закрытия.",
			"Half of the leads decided in the period were closed faster than this: calendar time from the inquiry to the close."}},
	Measure{Key: "reopened", Clock: Flow, Unit: Count, over: reopening,
		Name: Text{"Открыты снова", "Reopened"},
		Says: Text{"Сколько раз в периоде закрытые лиды открывали снова; их прежнее закрытие больше не считается.",
			"How often closed leads were reopened in the period; their former closing no longer counts."}},

	// The snapshot: one moment.
	Measure{Key: "standing", Clock: Snapshot, Unit: Count, over: standing,
		Name: Text{"Открытые лиды", "Open leads"},
		Says: Text{"Лиды, которые в этот момент стояли на этапе.", "Leads that stood in the stage at that moment."}},
	Measure{Key: "standing_amount", Clock: Snapshot, Unit: Money, over: standing, value: "sum(amount)",
		Name: Text{"Сумма в работе", "Amount open"},
		Says: Text{"Сумма открытых лидов, какой она была в этот момент. Суммы в других валютах не входят.",
			"Amount of the open leads as it was at that moment. Amounts in other currencies are not in it."}},
	Measure{Key: "weighted_amount", Clock: Snapshot, Unit: Money, over: standing, value: "sum(round(amount * probability / 100, 2))",
		Name: Text{"Взвешенная сумма", "Weighted amount"},
		Says: Text{"Сумма каждого открытого лида × вероятность его этапа.", "Amount of each open lead × probability of its stage."}},
	Measure{Key: "no_amount", Clock: Snapshot, Unit: Count, over: standing, where: "amount is null",
		Name: Text{"Без суммы", "Without amount"},
		Says: Text{"Открытые лиды, у которых сумма не указана или указана в другой валюте.",
			"Open leads whose amount was not given or is in another currency."}},
	Measure{Key: "stage_age", Clock: Snapshot, Unit: Duration, over: standing, value: "percentile_cont(0.5) within group (order by stage_age)",
		Name: Text{"На этапе, медиана", "In the stage, median"},
		Says: Text{"Половина открытых лидов этапа стоит на нём меньше: календарное время с последнего входа.",
			"Half of the open leads of the stage have stood there for less: calendar time since the last entry."}},
	Measure{Key: "oldest", Clock: Snapshot, Unit: Duration, over: standing, value: "max(stage_age)",
		Name: Text{"На этапе, дольше всех", "In the stage, longest"},
		Says: Text{"Сколько стоит на этапе лид, который стоит там дольше всех.", "How long the lead that has stood there longest has been in the stage."}},
	Measure{Key: "lead_age", Clock: Snapshot, Unit: Duration, over: standing, value: "percentile_cont(0.5) within group (order by age)",
		Name: Text{"Возраст лида, медиана", "Age of the lead, median"},
		Says: Text{"Половина открытых лидов моложе: календарное время с получения обращения.",
			"Half of the open leads are younger: calendar time since the inquiry."}},
	Measure{Key: "unclosed", Clock: Snapshot, Unit: Count, over: unclosed, where: "outcome = 'open'",
		Name: Text{"Не закрыты", "Not closed"},
		Says: Text{"Лиды, полученные до этого момента и не закрытые к нему: то же число, найденное по закрытиям, для сверки.",
			"Leads received by that moment and not closed by it: the same number found by the closings, to check."}},
)

func index(all ...Measure) map[string]Measure {
	byKey := make(map[string]Measure, len(all))
	for _, m := range all {
		if _, twice := byKey[m.Key]; twice {
			panic("reports: measure " + m.Key + " is defined twice")
		}
		byKey[m.Key] = m
	}
	return byKey
}

// measure gives the definition of a measure.
func measure(key string) Measure {
	m, ok := measures[key]
	if !ok {
		panic("reports: no measure " + key) // the catalog is tested
	}
	return m
}

// Sums tells whether the rows of a table add up to the total of the measure.
func Sums(key string) bool {
	m, ok := measures[key]
	return ok && m.sums()
}

// ShareOf gives the measures whose quotient a share is.
func ShareOf(key string) (over, under string, ok bool) {
	m := measures[key]
	return m.share[0], m.share[1], m.share[0] != ""
}
