// Package streamtest helps the tests of the stream features: it serves a stream
// block within the test's process, over real sockets of the loopback interface,
// and asks the real nginx what it thinks of one.
//
//	s := streamtest.Start(t, modules.Stream(), streamtest.Site{
//		Stream: `server { listen {{web}}; return "$remote_addr\n"; }`})
//	if got := s.Say("web", ""); got != "127.0.0.1\n" { ... }
//
// {{web}} stands for an address of its own, {{web.port}} for the port of it,
// {{web.unix}} for unix:DIR/web.sock, and {{dir}} for the site's folder.
package streamtest
