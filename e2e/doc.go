// Package e2e drives the real binary the way people meet it: an administrator
// who edits nginx.conf, sends signals and reads the error log, and strict
// clients that notice every byte that is missing.
//
//	func TestReloadKeepsIdleKeepAliveClient(t *testing.T) {
//		b := e2e.Start(t, `http { server { listen {{web}}; return 200 "one"; } }`)
//		c := b.Dial("web")
//		c.Get("/").Want(200, "one")
//		old := b.Workers()
//		b.Rewrite(`"one"`, `"two"`)
//		b.Signal(syscall.SIGHUP)
//		b.WaitGone(old, time.Second)
//		c.Get("/").Want(200, "two")
//	}
//
// In a configuration {{web}} stands for an address 127.0.0.1:PORT of its own,
// {{web.port}} for the port alone, {{web.unix}} for unix:DIR/web.sock and
// {{dir}} for the server's folder, which is also its prefix. What a test needs
// not say is added without moving a line: pid, error_log at level notice,
// events, access_log off.
//
// E2E_BINARY names the program under test; a real nginx will do, and skips
// what only baton can. Without it cmd/baton is built once per test run, with
// the race detector when the test has it.
//
// Every server runs under a supervisor process of its own that adopts its
// orphans: a test ends only when none of them is left, and when the test dies
// they do too. Beyond leftovers a test fails on descriptors that the master
// gained, on [alert] lines it did not announce, on panics and data races.
package e2e
