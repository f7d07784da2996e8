// Package pool serves pools of Redis and memcached servers in twemproxy's place:
// requests of many clients go pipelined over few connections to the servers that
// their keys belong to.
//
//	client --Serve--> parse, route --> link.out  (a flush per turn of the reactor)
//	client <--flush-- order, merge <-- link.in   (all replies of a read at once)
//
// Clients and links, which are connections to servers, are at rest while nothing
// comes: there is no goroutine for either, and no buffer. All state of a worker
// is guarded by one mutex, which nobody holds while waiting. A goroutine waits
// only for the exceptions: a client that does not read, a connection that is
// being opened, a request that is too large to be kept (see stream.go).
//
// # Order
//
// A client's requests stand in a list in their order, and each of them in the
// list of the link that it was sent over. A reply belongs to the first request
// of its link. It goes straight to the client when that request is the client's
// first one, and is held at the request otherwise. A link over which something
// comes that nobody asked for is closed; requests that were not sent yet move to
// another one.
//
// # Bounds
//
// A client that has much to read, or much under way, is not read from. When the
// reply of a client that does not read comes over a link, nobody reads from that
// link either: it is set aside, later requests take a new one, and clients that
// wait for something behind that reply send nothing until it came. When they
// wait for too long the slow client is closed.
package pool
