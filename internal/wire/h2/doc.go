// Package h2 is the HTTP/2 codec: frame heads, settings, and HPACK both ways
// (RFC 9113 and RFC 7541). There is no socket in sight, and no state but in values
// that the caller owns.
//
// What is decoded is appended to memory of the caller's; nothing here allocates
// but a decoder's table, which the peer can make 4 kB large.
package h2
