// Package h1 is the HTTP/1 codec: bytes to a request head, values to a response
// head, chunks both ways, and the small languages inside header fields (dates,
// ranges, entity tags, hosts, escapes). There is no socket in sight, and no state
// but in values that the caller owns.
//
// What is accepted, refused, and with which status and log line is what nginx
// 1.31 does. A request head is parsed as bytes arrive, without allocation and
// without looking at a byte twice:
//
//	h.Reset()
//	for {
//		switch h.Parse(buf, &opt) {
//		case h1.More: // read more into buf (move it to a larger one if it is full)
//		case h1.Line: // request line complete (in HTTP/0.9 Done follows at once)
//		case h1.Host: // h.Server and h.Port are known: choose the server, set opt
//		case h1.Ignored: // log h.IgnoredText(buf) at info
//		case h1.Done: // buf[h.Pos():] is the body or the next request
//		case h1.Failed: // answer h.Err.Status, log h.Err.Text at info
//		}
//	}
package h1
