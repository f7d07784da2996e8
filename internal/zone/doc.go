// Package zone is named memory that all workers share and that outlives each of
// them: limits, counters, tables of sessions.
//
// The master makes a zone, a memory file of fixed size, and never looks into
// it. Each worker maps it. A reload with the same name, use and size takes the
// same memory over, and so does a new binary; see [Set].
//
//	page 0       header: layout version, size, what it is for, lock, list heads
//	pages 1, 2   seats: which processes use the zone; see [Seats]
//	then either  lines of counters, one per seat; see [Zone.Line]
//	or           a [Table]: buckets, page table, pages of cells
//
// # Trust
//
// Whoever maps a zone can write anything into it and die at any moment. So
// nothing in a zone is a pointer, every reference found there is checked before
// it is followed, and the geometry is computed from the size, never read. What
// does not fit is damage: the table starts anew, empty, and says so to
// [Set.Notify]. The file cannot be truncated, so no access faults.
//
// # The lock
//
// A [Table] is used under its zone's lock, which holds the identity of the
// process that has it. A process that has waited for long looks whether that one
// still lives, takes the lock from the dead, and rebuilds the table from the
// cells, which are marked as used in one last step.
package zone
