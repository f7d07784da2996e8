// Package record is the record layer of TLS 1.3 (RFC 8446, section 5) and of
// TLS 1.2 with AEAD suites (RFC 5246, 5288, 7905) for a connection whose
// handshake somebody else has done. It does no I/O: a [Reader] opens what came
// from the peer in the memory where it lies, a [Writer] seals what goes to it.
// Neither allocates for a record.
//
// All that they know is in a [Half], which can be exported and imported, so that
// a connection can go on in another process. One goroutine may use the Reader
// while another one uses the Writer.
//
//	suite.go    suites, and keys from secrets
//	half.go     one direction: keys and sequence number
//	reader.go   records from the peer, KeyUpdate, tickets, alerts
//	writer.go   records for the peer
//	alert.go    alerts and their names
package record
