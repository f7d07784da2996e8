// Package tls is TLS over the worker's reactor, for clients and towards
// upstreams. crypto/tls does every handshake; from the first byte of the
// application on package record reads and writes the records, so that a
// connection at rest is small and can go on in another process.
//
//	client.go           what proxy_ssl_* say, and the handshake with an upstream
//	stream.go, read.go, write.go   a connection after its handshake
//	warm.go             keys that connections at rest keep ready
//	state.go            a connection as a value, for another process
//	wire.go             the handshake's view of the socket
//	takeover.go         from crypto/tls to package record
//	certificate.go, key.go   files of certificates and keys
//	verify.go, crl.go   is the peer who it should be
//	ciphers.go, protocols.go   OpenSSL's names for what crypto/tls has
//
// # Taking over
//
// The handshake sees the socket through a wire, which hands it one record at a
// time; what has come behind the last one stays with us. The secrets come by the
// key log, which is memory of ours. With TLS 1.3 a server has sent its session
// tickets with the keys of the application already: opening what it has written
// with these keys tells how many records these were. With TLS 1.2 the keys are
// derived from the master secret and the randoms of the two hellos, and each
// side has sent one record: Finished.
//
// A suite that package record does not know (CBC) stays with crypto/tls. Such a
// connection works, and cannot move.
package tls
