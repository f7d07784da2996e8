// Package handover moves live connections from one process to another: from an
// old worker, which has a [Sender], to a new one, which has a [Receiver]. What
// moves is a [Record], which says what the connection is and where it stands,
// and the descriptors that belong to it.
//
//	serving --freeze--> frozen --Offer--> offered --ack--> gone
//	   ^                  |                  |
//	   +------ thaw ------+----- refused, deadline, dead peer
//
// The old worker freezes a connection (nobody reads or writes it, what was read
// and not used is in the record) and offers it. It keeps its copies of the
// descriptors until the new worker has acknowledged. The new worker rebuilds the
// connection, acknowledges, and only then reads.
//
// Each side survives the death of the other at every step, and at no time do two
// processes read one socket. The kernel breaks the tie between an ack and a
// deadline. An ack that was sent lies in the old worker's queue, so before the old
// worker thaws anything it shuts down its receiving side and reads what is
// queued: whatever was acknowledged is gone, the rest is its own. A new worker
// whose ack cannot be sent reads once more: at the end of the stream the old
// worker is dead, and the connection is the new one's; when there is nothing to
// read the old one lives and has taken it back.
//
// Records are CBOR with a kind and a version. Fields that the receiver does not
// know are ignored, kinds and versions that it does not know are refused, so
// either side may be the newer program.
package handover
