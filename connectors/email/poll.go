package email

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/emersion/go-imap/v2"

	"marshrut/connectors"
	"marshrut/pipeline"
)

// soon is when a folder that had letters is looked at once more: more come when some have come, and some servers do not
// tell of those that came just before they began to.
const soon = 2 * time.Second

func (i *Instance) noServer() error {
	return errors.New(say(i.connection.Language, "укажите сервер IMAP (server), например imap.example.org:993", `server is required, for example "imap.example.org:993"`))
}

// Poll takes the letters of the mailbox until ctx ends: what has come since the last time, however long ago that was,
// then what comes.
func (i *Instance) Poll(ctx context.Context, desk connectors.Desk) error {
	if i.settings.Server == "" {
		if i.settings.SMTP == "" {
			return i.noServer()
		}
		<-ctx.Done() // letters are only sent
		return nil
	}
	err := i.watch(ctx, desk)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// Rhythm is how often the folders are looked at when the server tells of nothing; 0 where letters are only sent.
func (i *Instance) Rhythm() time.Duration {
	if i.settings.Server == "" {
		return 0
	}
	return time.Duration(i.settings.Every)
}

func (i *Instance) watch(ctx context.Context, desk connectors.Desk) error {
	s, done, err := i.connect(ctx)
	if err != nil {
		return err
	}
	defer done()
	folders, err := s.folders(i.settings)
	if err != nil {
		return err
	}
	if s.since, err = i.waitingSince(ctx, folders, desk); err != nil {
		return err
	}
	told, vain := false, 0 // how often in a row there was nothing of what the server told
	for first := true; ctx.Err() == nil; first = false {
		busy := false
		for _, f := range folders {
			took, err := i.catchUp(ctx, s, f, desk)
			if err != nil {
				return err
			}
			busy = busy || took
		}
		if desk.Well != nil {
			desk.Well()
		}
		wait := time.Duration(i.settings.Every)
		if s.idles && (busy || first) {
			wait = soon
		}
		if vain++; busy || !told {
			vain = 0
		}
		if told, err = s.await(ctx, deaf(vain, wait), wait); err != nil {
			return err
		}
	}
	return nil
}

// deaf is how long news are not listened to when they were false so many times in a row: some servers tell of all letters
// there are with every answer, and would be asked without a pause.
func deaf(vain int, wait time.Duration) time.Duration {
	if vain < 3 {
		return 0
	}
	return min(soon<<min(vain-3, 10), wait)
}

// mark is how far a folder has been read.
type mark struct {
	// Validity is the UIDVALIDITY that UIDs belong to: when it changes the folder was rebuilt (RFC 9051, 2.3.1.1).
	Validity uint32    `json:"uidvalidity"`
	Next     imap.UID  `json:"next"`  // the first UID that has not been taken
	Since    time.Time `json:"since"` // letters from before are history that nobody asked for
	Last     time.Time `json:"last"`  // when the latest letter that was taken had come
	Rebuilt  bool      `json:"rebuilt,omitempty"`
	Late     bool      `json:"late,omitempty"`  // the mailbox could be looked at only long after it was connected
	Asked    string    `json:"asked,omitempty"` // the date from which history was asked for
	// Careful is a letter that failed: up to it they are taken one by one.
	Careful imap.UID `json:"careful,omitempty"`
}

// catchUp takes what a folder holds beyond its mark, and reports whether that was anything.
func (i *Instance) catchUp(ctx context.Context, s *session, f folder, desk connectors.Desk) (took bool, err error) {
	select {
	case <-s.news: // whatever it told of is read now
	default:
	}
	box, err := s.examine(f.name)
	if err != nil {
		return false, err
	}
	m, err := i.mark(ctx, s, f, box, desk)
	if err != nil {
		return false, err
	}
	t := take{i, s, f, desk, &m}
	if err := t.again(ctx); err != nil {
		return true, err
	}
	if box.NumMessages == 0 || box.UIDNext != 0 && m.Next >= box.UIDNext {
		return false, nil
	}
	var since time.Time
	if t.byDate() && m.Next == 1 {
		since = m.Since
	}
	uids, err := s.search(m.Next, since)
	if err != nil {
		return false, err
	}
	took = len(uids) > 0
	for len(uids) > 0 {
		n := min(len(uids), 100)
		if err := t.letters(ctx, uids[:n]); err != nil {
			return true, err
		}
		uids = uids[n:]
	}
	return took, nil
}

// promptly is how soon after it was set up a mailbox is looked at when nothing stands in the way.
const promptly = time.Minute

// waitingSince is from when letters wait in a mailbox that could not be looked at when it was connected; zero: it could.
func (i *Instance) waitingSince(ctx context.Context, folders []folder, desk connectors.Desk) (time.Time, error) {
	created := i.connection.CreatedAt
	if created.IsZero() || i.now().Sub(created) < promptly {
		return time.Time{}, nil
	}
	for _, f := range folders {
		var m mark
		if begun, err := desk.Position(ctx, f.name, &m); err != nil || begun {
			return time.Time{}, err
		}
	}
	return created, nil
}

// mark gives where the folder stands: where the last time ended, at its end when it is new and no history is asked for, at the
// beginning when it was rebuilt. Then dates say what is history, and what was taken before is known by its Message-ID.
func (i *Instance) mark(ctx context.Context, s *session, f folder, box *imap.SelectData, desk connectors.Desk) (mark, error) {
	var m mark
	begun, err := desk.Position(ctx, f.name, &m)
	if err != nil {
		return m, err
	}
	switch {
	case !begun:
		m, err = i.begin(s, box)
	case m.Validity != box.UIDValidity, box.UIDNext != 0 && box.UIDNext < m.Next:
		m = mark{Validity: box.UIDValidity, Next: 1, Rebuilt: true, Since: m.Since, Last: m.Last, Asked: m.Asked}
		if overlap := m.Last.AddDate(0, 0, -7); overlap.After(m.Since) {
			m.Since = overlap
		}
	case i.settings.Since != "" && i.settings.Since != m.Asked && i.asked().Before(m.Since):
		m.Next, m.Since, m.Asked = 1, i.asked(), i.settings.Since // what was taken already is known by its name
	default:
		return m, nil
	}
	if err != nil {
		return m, err
	}
	return m, desk.Advance(ctx, f.name, m)
}

// asked is the date from which history is wanted; zero: none is.
func (i *Instance) asked() time.Time {
	day, _ := time.Parse(time.DateOnly, i.settings.Since) // checked with the settings
	return day
}

func (i *Instance) begin(s *session, box *imap.SelectData) (mark, error) {
	m := mark{Validity: box.UIDValidity, Next: box.UIDNext, Since: i.now(), Last: i.now()}
	if i.settings.Since != "" {
		m.Next, m.Since, m.Last, m.Asked = 1, i.asked(), i.asked(), i.settings.Since
		return m, nil
	}
	if !s.since.IsZero() {
		m.Next, m.Since, m.Last, m.Late = 1, s.since, s.since, true
		return m, nil
	}
	if m.Next == 0 { // an old server that does not tell
		uids, err := s.search(1, time.Time{})
		if err != nil {
			return m, err
		}
		m.Next = 1
		if len(uids) > 0 {
			m.Next = uids[len(uids)-1] + 1
		}
	}
	return m, nil
}

// take is the work on one folder.
type take struct {
	*Instance
	session *session
	folder  folder
	desk    connectors.Desk
	mark    *mark
}

// Bounds of what is in memory at once.
const (
	maxLetter = 25 << 20 // a larger one is taken in part
	maxGroup  = 4 << 20  // of letters that are fetched together
	partOf    = 1 << 20  // of a letter that is too large
)

// letters takes letters in groups and moves the mark behind each.
func (t take) letters(ctx context.Context, uids []imap.UID) error {
	found, err := t.session.metas(uids)
	if err != nil {
		return err
	}
	for len(found) > 0 {
		n := t.together(found)
		if err := t.group(ctx, found[:n]); err != nil {
			return err
		}
		found = found[n:]
	}
	return t.advance(ctx, uids[len(uids)-1], time.Time{}) // those at the end may be gone
}

// together tells how many letters are fetched in one go.
func (t take) together(found []meta) int {
	n, size := 1, found[0].size
	for n < len(found) && size+found[n].size <= maxGroup && found[n-1].uid > t.mark.Careful {
		size += found[n].size
		n++
	}
	return n
}

// group takes letters: those that came are accepted even when one of them failed, and the mark moves behind them.
func (t take) group(ctx context.Context, group []meta) error {
	wanted := t.wanted(group)
	if len(wanted) == 0 {
		return t.advance(ctx, group[len(group)-1].uid, time.Time{})
	}
	came, failed := t.fetch(wanted)
	var events []pipeline.Event
	last, at := wanted[0].uid-1, time.Time{}
	for _, m := range wanted {
		raw, ok := came[m.uid]
		if ok && len(raw) == 0 && m.size > 0 && failed == nil {
			failed = t.session.cannot(errNothing, "письмо № %d не забирается", "fetch letter %d", m.uid)
		}
		if (!ok || len(raw) == 0) && failed != nil {
			break
		}
		last = m.uid
		if m.at.After(at) {
			at = m.at
		}
		if !ok || len(raw) == 0 || t.history(raw) {
			continue // gone meanwhile, or older than what was asked for
		}
		event, skip, err := t.event(ctx, m, raw)
		if err != nil {
			return err
		}
		if !skip {
			events = append(events, event)
		}
	}
	if len(events) > 0 {
		if err := t.desk.Accept(ctx, events...); err != nil {
			return fmt.Errorf("accept %d letters from %d on: %w", len(events), wanted[0].uid, err)
		}
	}
	if failed == nil {
		last = group[len(group)-1].uid
	}
	if err := t.advance(ctx, last, at); err != nil {
		return err
	}
	if failed != nil {
		return t.blame(ctx, wanted, last, failed)
	}
	return t.pardon(ctx, last)
}

// wanted leaves out what is history.
func (t take) wanted(group []meta) []meta {
	var wanted []meta
	for _, m := range group {
		if m.uid >= t.mark.Next && (m.at.IsZero() || !m.at.Before(t.mark.Since.Truncate(time.Second)) || !t.byDate()) {
			wanted = append(wanted, m)
		}
	}
	return wanted
}

// byDate reports that dates say what is history; else UIDs do.
func (t take) byDate() bool { return t.mark.Rebuilt || t.mark.Late || t.settings.Since != "" }

// history knows a letter from long ago that was put into a rebuilt folder only now.
func (t take) history(raw []byte) bool {
	if !t.mark.Rebuilt {
		return false
	}
	at := sentAt(raw)
	return !at.IsZero() && at.Before(t.mark.Since.AddDate(0, 0, -1))
}

func (t take) fetch(wanted []meta) (map[imap.UID][]byte, error) {
	uids := make([]imap.UID, len(wanted))
	for n, m := range wanted {
		uids[n] = m.uid
	}
	limit := int64(maxLetter)
	if wanted[0].size > maxLetter { // alone in its group
		limit = partOf
	}
	return t.session.bodies(uids, imap.PartSpecifierNone, limit)
}

func (t take) advance(ctx context.Context, last imap.UID, at time.Time) error {
	if last < t.mark.Next {
		return nil
	}
	t.mark.Next = last + 1
	if at.After(t.mark.Last) {
		t.mark.Last = at
	}
	return t.desk.Advance(ctx, t.folder.name, *t.mark)
}

// A letter that fails so often, for so long, is set aside; when others wait behind it, as soon as it has failed so often. An outage
// of the server fails sooner, at connecting.
const (
	maxTries  = 5
	patience  = 5 * time.Minute
	headBytes = 256 << 10
)

func (t take) part() string {
	return t.folder.name + "/" + strconv.FormatUint(uint64(t.mark.Validity), 10)
}

// blame notes which letter could not be fetched. The connection is gone or worth nothing by then; the next run begins with that
// letter, alone, and in the end goes on without it.
func (t take) blame(ctx context.Context, wanted []meta, last imap.UID, cause error) error {
	if ctx.Err() != nil {
		return cause
	}
	culprit := wanted[0]
	for _, m := range wanted {
		if m.uid > last {
			culprit = m
			break
		}
	}
	t.mark.Careful = culprit.uid
	if err := t.desk.Advance(ctx, t.folder.name, *t.mark); err != nil {
		return err
	}
	item := strconv.FormatUint(uint64(culprit.uid), 10)
	failure, err := t.desk.Fail(ctx, t.part(), item, t.connection.RedactText(cause.Error()))
	if err != nil {
		return err
	}
	if !failure.GivenUp && (failure.Attempts < maxTries || t.now().Sub(failure.Since) < patience && !t.holdsUp(ctx, culprit.uid)) {
		return cause
	}
	if err := t.setAside(ctx, culprit, failure); err != nil {
		return err
	}
	return t.session.cannot(cause, "письмо %s в папке %s отложено", "letter %s of %s is set aside", item, t.folder.name)
}

// holdsUp reports that the letter behind this one does come, over a connection of its own: so it is this letter and not the server,
// and who has written since is not kept waiting for it.
func (t take) holdsUp(ctx context.Context, uid imap.UID) bool {
	s, done, err := t.connect(ctx)
	if err != nil {
		return false
	}
	defer done()
	if _, err := s.examine(t.folder.name); err != nil {
		return false
	}
	behind, err := s.search(uid+1, time.Time{})
	if err != nil || len(behind) == 0 {
		return false
	}
	came, err := s.bodies(behind[:1], imap.PartSpecifierNone, headBytes)
	return err == nil && len(came[behind[0]]) > 0
}

// setAside tells people of a letter that cannot be fetched, among the messages nobody could process, and passes over it.
func (t take) setAside(ctx context.Context, m meta, failure connectors.Failure) error {
	reason := fmt.Errorf(say(t.connection.Language,
		"письмо не удаётся получить с почтового сервера (папка %s, UID %d, %d байт, пришло %s, попыток %d): %s",
		"the letter cannot be fetched from the mail server (folder %s, UID %d, %d bytes, came %s, tries %d): %s"),
		t.folder.name, m.uid, m.size, m.at.Format(time.RFC3339), failure.Attempts, failure.Reason)
	event := pipeline.Unreadable(t.part(), t.received(m), t.head(ctx, m.uid), reason)
	event.ID = pipeline.ID(t.connection.Name, "set aside", t.part(), failure.Item)
	event.Connection, event.Connector, event.Provider = t.connection.Name, t.connection.Connector, t.connection.Provider
	event.Source, event.DataContentType = "/connections/"+t.connection.Name, "message/rfc822"
	if err := t.desk.Accept(ctx, event); err != nil {
		return fmt.Errorf("tell of letter %s: %w", failure.Item, err)
	}
	if err := t.desk.SetAside(ctx, t.part(), failure.Item); err != nil {
		return err
	}
	t.mark.Careful = 0
	return t.advance(ctx, m.uid, time.Time{})
}

// head tries to get at least the header of a letter, over a connection of its own.
func (t take) head(ctx context.Context, uid imap.UID) []byte {
	s, done, err := t.connect(ctx)
	if err != nil {
		return nil
	}
	defer done()
	if _, err := s.examine(t.folder.name); err != nil {
		return nil
	}
	came, _ := s.bodies([]imap.UID{uid}, imap.PartSpecifierHeader, headBytes) // without it the reason has to do
	return came[uid]
}

// pardon forgets the failures of a letter that came after all.
func (t take) pardon(ctx context.Context, last imap.UID) error {
	careful := t.mark.Careful
	if careful == 0 || last < careful {
		return nil
	}
	t.mark.Careful = 0
	if err := t.desk.Forget(ctx, t.part(), strconv.FormatUint(uint64(careful), 10)); err != nil {
		return err
	}
	return t.desk.Advance(ctx, t.folder.name, *t.mark)
}
