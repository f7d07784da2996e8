package upstream

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// What a name was found to have is kept in the zone, so that a worker that takes
// another one's place, or the next cycle's, can begin with it. What else the
// configuration says of the server may change meanwhile.

// storedKey is where the answers of a source are.
func (src *source) storedKey() string {
	return fmt.Sprintf("%s\x00resolved %q %q", src.group.name, src.server.Host, src.server.Service)
}

// store keeps the answers, when there is room, and until when they are good.
func (src *source) store(answers []answer, until time.Time) {
	at := src.group.shared.place
	if at == nil || !at.zone.Mapped() {
		return
	}
	at.open()
	key, text := src.storedKey(), encode(answers, until)
	at.table.Lock()
	defer at.table.Unlock()
	e, ok := at.table.Find(key)
	if ok && len(e.Value()) != len(text) {
		at.table.Delete(e)
		ok = false
	}
	if !ok && len(text) < 1<<16 {
		e, ok = at.table.Insert(key, len(text))
	}
	if ok {
		copy(e.Value(), text)
		at.table.Touch(e)
	}
}

// load returns what is kept, nil when there is nothing, and until when it is good.
func (src *source) load() ([]answer, time.Time) {
	at := src.group.shared.place
	if at == nil || !at.zone.Mapped() {
		return nil, time.Time{}
	}
	at.open()
	answers, until := decode(src.read(at))
	if src.server.Service == "" {
		for i := range answers {
			answers[i] = src.answer(answers[i].address.Addr())
		}
	}
	return answers, until
}

func (src *source) read(at *place) (text string) {
	at.table.Lock()
	defer at.table.Unlock()
	if e, ok := at.table.Find(src.storedKey()); ok {
		text = string(e.Value())
	}
	return text
}

func encode(answers []answer, until time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%020d\n", until.Unix()) // of the same length each time
	for _, a := range answers {
		fmt.Fprintf(&b, "%t %d %s %s\n", a.backup, a.weight, a.address, a.server)
	}
	return b.String()
}

// decode reads what anybody may have written: lines that are nothing are left
// out.
func decode(text string) (answers []answer, until time.Time) {
	first, text, _ := strings.Cut(text, "\n")
	if seconds, err := strconv.ParseInt(first, 10, 64); err == nil {
		until = time.Unix(seconds, 0)
	}
	for line := range strings.Lines(text) {
		words := strings.SplitN(strings.TrimSuffix(line, "\n"), " ", 4)
		if len(words) != 4 {
			continue
		}
		weight, err := strconv.Atoi(words[1])
		if err != nil || weight < 1 {
			continue
		}
		address, err := netip.ParseAddrPort(words[2])
		if err != nil || address.Addr().Zone() != "" {
			continue
		}
		answers = append(answers, answer{words[0] == "true", weight, address, words[3]})
	}
	return sorted(answers), until
}
