package process

import "github.com/baton-project/baton/fd"

// heirsBacklog is how many successions may wait for a role to fetch them. Each
// stands for a reload, or a worker that died, while one worker drains.
const heirsBacklog = 64

// inherit keeps who takes our connections over, for Drain.
func (l *life) inherit(p packet) {
	s := Succession{Channels: channels(p.files), Instead: p.Instead}
	for len(s.Channels) > 0 {
		select {
		case l.heirs <- s:
			return
		default:
		}
		select { // the oldest is the one to miss the least
		case old := <-l.heirs:
			s.Instead = s.Instead || old.Instead
			closeChannels(old.Channels)
		default:
		}
	}
}

// dropHeirs closes what the role did not fetch.
func (l *life) dropHeirs() {
	for {
		select {
		case s := <-l.heirs:
			closeChannels(s.Channels)
		default:
			return
		}
	}
}

// channels makes channels of descriptors, which are closed where that fails:
// the other end notices.
func channels(files []*fd.Owned) []*fd.Channel {
	var list []*fd.Channel
	for _, o := range files {
		if ch, err := fd.NewChannel(o); err == nil {
			list = append(list, ch)
		}
	}
	return list
}

func closeChannels(list []*fd.Channel) {
	for _, ch := range list {
		ch.Close()
	}
}
