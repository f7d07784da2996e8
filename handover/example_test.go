package handover_test

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/handover"
)

// One TCP connection is handed over, inside one process. The usual errors are left
// out.
func Example() {
	old, heir, _ := fd.Pair() // usually the ends are in two processes
	accepted := make(chan int, 1)
	go func() { _ = handover.NewReceiver(heir, kinds(accepted), nil).Run() }()

	client, socket := connection()
	defer client.Close()
	s := handover.NewSender(old, handover.DefaultDeadline, nil)
	record, _ := handover.NewRecord("example", 1, 1, state{Requests: 3})
	gone := make(chan error, 1)
	_, _ = s.Offer([]handover.Item{{Record: record, Files: []*fd.Owned{socket}, Done: func(err error) { gone <- err }}})
	fmt.Println("moved:", <-gone == nil)
	fmt.Println("requests so far:", <-accepted)
	s.Close()
	// Output:
	// moved: true
	// requests so far: 3
}

// state is what the new worker wants to know of a connection.
type state struct {
	Requests int `cbor:"1,keyasint"`
}

// kinds is what the new worker understands.
func kinds(accepted chan int) map[string]handover.Kind {
	return map[string]handover.Kind{"example": {Version: 1, Accept: func(r *handover.Record, files []*fd.Owned) (handover.Taken, error) {
		var s state
		if err := r.Decode(&s); err != nil {
			fd.CloseAll(files)
			return nil, err
		}
		return &guest{files, func() { accepted <- s.Requests }}, nil
	}}}
}

// A guest is a connection that is rebuilt.
type guest struct {
	files []*fd.Owned
	start func()
}

func (g *guest) Start() { fd.CloseAll(g.files); g.start() } // a server would begin to read
func (g *guest) Drop()  { fd.CloseAll(g.files) }

// connection returns a client, and a descriptor of the server's end.
func connection() (client net.Conn, socket *fd.Owned) {
	l, _ := net.Listen("tcp", "127.0.0.1:0")
	defer l.Close()
	client, _ = net.Dial("tcp", l.Addr().String())
	conn, _ := l.Accept()
	defer conn.Close()
	f, _ := conn.(*net.TCPConn).File()
	defer f.Close()
	socket, _ = fd.FromFile(f)
	return client, socket
}

// What a new worker does not know stays with the old one.
func ExampleRefused() {
	old, heir, _ := fd.Pair()
	go func() { _ = handover.NewReceiver(heir, kinds(nil), nil).Run() }()
	client, socket := connection()
	defer client.Close()

	s := handover.NewSender(old, 0, nil)
	record, _ := handover.NewRecord("of a later version", 1, 1, state{})
	_, _ = s.Offer([]handover.Item{{Record: record, Files: []*fd.Owned{socket}, Done: func(err error) {
		var refused *handover.Refused
		if errors.As(err, &refused) {
			fmt.Println(refused.Reason)
			fmt.Println("still open:", socket.Raw() >= 0) // and served here
		}
	}}})
	s.Settle() // everything has its answer
	s.Close()
	// Output:
	// unknown kind "of a later version"
	// still open: true
}

// Nobody answers: the old worker takes back what it has offered.
func ExampleSender_Stop() {
	old, heir, _ := fd.Pair()
	client, socket := connection()
	defer client.Close()

	s := handover.NewSender(old, time.Minute, nil)
	record, _ := handover.NewRecord("example", 1, 1, state{})
	item := handover.Item{Record: record, Files: []*fd.Owned{socket}, Done: func(err error) {
		fmt.Println("taken back:", errors.Is(err, handover.ErrTakenBack))
	}}
	_, _ = s.Offer([]handover.Item{item})
	s.Stop()
	<-s.Ended() // at once
	_, err := s.Offer([]handover.Item{item})
	fmt.Println("nothing more:", errors.Is(err, handover.ErrEnded))

	// A new worker that wakes up now finds that it is too late, and drops its copy.
	_ = handover.NewReceiver(heir, kinds(nil), nil).Run()
	s.Close()
	// Output:
	// taken back: true
	// nothing more: true
}

// A new worker that ends receiving has nothing of what it has not answered.
func ExampleReceiver_Close() {
	old, heir, _ := fd.Pair()
	r := handover.NewReceiver(heir, kinds(nil), nil)
	r.Close()
	client, socket := connection()
	defer client.Close()

	s := handover.NewSender(old, 0, nil)
	record, _ := handover.NewRecord("example", 1, 1, state{})
	_, err := s.Offer([]handover.Item{{Record: record, Files: []*fd.Owned{socket}, Done: func(why error) {
		// Called when it was on its way already.
		if !errors.Is(why, handover.ErrPeerGone) {
			fmt.Println(why)
		}
	}}})
	if err != nil && !errors.Is(err, handover.ErrEnded) {
		fmt.Println(err)
	}
	s.Close()
	fmt.Println("still ours:", socket.Raw() >= 0)
	// Output:
	// still ours: true
}

// A record has bounds: a state that is larger goes beside it, in a memory file.
func ExampleNewRecord() {
	_, err := handover.NewRecord("example", 1, 0, strings.Repeat("x", handover.MaxState))
	fmt.Println(errors.Is(err, handover.ErrTooLarge))
	_, err = handover.NewRecord("example", 1, handover.MaxFiles+1, "x")
	fmt.Println(errors.Is(err, handover.ErrTooLarge))
	_, err = handover.NewRecord("", 1, 0, "x") // no kind
	fmt.Println(errors.Is(err, handover.ErrMessage))
	fmt.Println("records in a message:", handover.MaxRecords)
	// Output:
	// true
	// true
	// true
	// records in a message: 64
}

// A probe sees the steps of a transfer, each side those of its own. A test has
// something happen there.
func ExampleProbe() {
	names := map[handover.Step]string{
		handover.StepFrozen: "nothing has been sent", handover.StepOffered: "sent",
		handover.StepReceived: "read", handover.StepAccepted: "rebuilt", handover.StepAcked: "answered",
		handover.StepStarted: "serving", handover.StepReleased: "gone",
	}
	var probe handover.Probe = func(s handover.Step) { fmt.Println(s+":", names[s]) }
	var taken handover.Taken // what Accept returns
	var ch handover.Channel  // what Sender and Receiver work on: an fd.Channel, or one in an event loop

	old, heir, _ := fd.Pair()
	ch = heir
	client, socket := connection()
	defer client.Close()
	s := handover.NewSender(old, 0, nil)
	record, _ := handover.NewRecord("example", 1, 1, state{})
	_, _ = s.Offer([]handover.Item{{Record: record, Files: []*fd.Owned{socket}, Done: func(error) {}}})
	go func() { s.Settle(); s.Close() }()
	understood := kinds(make(chan int, 1))
	accept := understood["example"].Accept
	understood["example"] = handover.Kind{Version: 1, Accept: func(r *handover.Record, files []*fd.Owned) (_ handover.Taken, err error) {
		taken, err = accept(r, files)
		return taken, err
	}}
	_ = handover.NewReceiver(ch, understood, probe).Run()
	fmt.Println("rebuilt:", taken != nil)
	// Output:
	// received: read
	// accepted: rebuilt
	// acked: answered
	// started: serving
	// rebuilt: true
}
