package handover

// A Step is a moment in the life of a transfer, for tests that want something
// to happen there: the death of a process, a broken channel.
type Step string

// The steps, in their order.
const (
	StepFrozen   Step = "frozen"   // old: nothing has been sent
	StepOffered  Step = "offered"  // old: sent, and no answer was read
	StepReceived Step = "received" // new: read, and nobody was asked
	StepAccepted Step = "accepted" // new: rebuilt, and no answer was sent
	StepAcked    Step = "acked"    // new: the answer was sent, nothing is started
	StepStarted  Step = "started"  // new: it reads and writes
	StepReleased Step = "released" // old: the answer was read, the copies are closed
)

// A Probe is called at each step of each message. It may not call back.
type Probe func(Step)

func (p Probe) at(s Step) {
	if p != nil {
		p(s)
	}
}
