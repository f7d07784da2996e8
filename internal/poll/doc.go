// Package poll is a worker's reactor: it waits for all sockets of the process
// in one epoll instance, and runs code on a goroutine only for those that have
// something to do.
//
// # States of a connection
//
//	            Add                    Rest
//	closed ------------> busy --------------------> at rest
//	   ^                 |  ^ ^                      |  |
//	   |      Close,     |  | |  readable: Serve     |  |
//	   +-----------------+  | +----------------------+  |
//	          Detach        |    deadline: Expire       |
//	                        +---------------------------+
//	                                  Evict
//
// A busy [Conn] belongs to one owner: the goroutine that called Add, the
// Serve or Expire that was called with it, or whoever they gave it to. The
// owner may read on one goroutine and write on another, and the one that writes
// may go on while the other one rests the Conn; see [Tunnel]. A call that cannot
// go on parks its goroutine until the socket is ready, a timeout has passed, or
// Wake was called. A Conn at rest belongs to the reactor, and costs its own
// bytes and a slot in a table: no goroutine, no buffer.
//
// # How no wake-up is lost
//
// Sockets are in the epoll set edge-triggered: the kernel reports a change
// once, and who overlooks it waits for ever. What was reported and not yet
// used stands in the flags readable and writable of the Conn.
//
//   - Read clears readable before it calls read(2). Bytes that arrive after
//     the clear set it again; when read(2) had taken them already, the next
//     read finds nothing and waits, which costs a call and loses nothing.
//   - A read that did not fill its buffer has emptied the socket: the next one
//     waits without asking. Two things are no such emptiness: a full buffer,
//     and the end of the stream, which comes with one edge for the last bytes
//     and the end together. So a full read, and every read once EPOLLRDHUP,
//     EPOLLHUP or EPOLLERR was seen, sets readable again after read(2). The end
//     may be reported while the read runs: the report sets readable itself,
//     after the clear.
//   - A write clears writable before its call. When it finds the socket full
//     it waits, unless a report came after the clear: then it tries once more.
//   - To wait and to go to rest, a goroutine checks its flag and leaves its
//     mark (a waiter, the state at rest) in one critical section of the Conn's
//     mutex, and the reactor sets the flag and looks for the mark in another.
//     Whichever comes first, the second sees it.
//   - A socket enters the epoll set when it first has to wait (a connection
//     that is answered and closed at once never does), and EPOLLOUT is asked
//     for when a write first has to wait. The kernel reports what is ready
//     already at that moment, so the flags need not be right before it.
//   - A socket that Dial has opened enters the set to wait for its connection;
//     the flags begin cleared, as whatever comes is reported from then on.
//   - splice(2) never tells whether the socket is empty now, so it sets readable
//     again unless it found nothing.
//   - An event names descriptor and generation; the table's generation changes
//     with every Add, so an event of a closed socket does not reach the next
//     socket of the same number.
//
// # How the loop sleeps
//
// The process runs with GOMAXPROCS=1, and a goroutine that sleeps in a system
// call keeps the processor until the runtime's monitor notices. So the loop
// counts the goroutines it woke that did not run yet, yields, and sleeps only
// when the count is zero and the queue empty; otherwise it polls. Nothing but
// speed depends on GOMAXPROCS.
//
// A sleep that the runtime knows of is dear: its end wakes the monitor, which
// then looks around every 20 us for a while, over 1 ms of CPU in all. So the
// loop first naps, a few ms at a time, with the processor in its hand, and
// sleeps only when several naps have brought nothing. It may do so only when
// no goroutine of a Conn is elsewhere, in a call to the disk for instance, and
// wants the processor back; goroutines that have nothing to do with Conns get
// it between two naps.
//
// Connections that became ready wait in a queue. One worker goroutine takes
// them one after the other, so a turn of the loop costs two switches and not
// two per connection. When a worker is held up, the loop finds the queue not
// empty at its next turn and wakes another one. Workers are kept, with stacks
// that have grown to their task.
//
// Whoever adds to the queue, the posts or the wheel while the loop sleeps sees
// so under the reactor's mutex, under which the loop decided to sleep, and
// wakes what is needed. The order of locks is Conn, then Reactor.
//
// # Deadlines
//
// Each Conn has at most one entry in a wheel, for the earliest of its
// deadlines. A deadline that moves later leaves the entry where it is; when it
// comes up, it is put at its new place. So a busy keep-alive connection never
// touches the wheel. Deadlines are kept in milliseconds.
package poll
