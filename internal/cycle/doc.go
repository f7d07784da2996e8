// Package cycle builds a loaded configuration at work, beside the one that
// serves: it is the only room that knows both.
//
//	Read --> Plan: parsed, checked, compiled; nothing is open
//	           |
//	          Open --> Cycle --Commit--> serves
//	                     |
//	                     +----Abort----> as if it had never been
//
// In the master Open opens listeners and log files. A worker reads the same
// plan from what the master recorded, and [Adopt] makes the same cycle of it
// with the descriptors that the master handed out: it touches neither the disk
// nor the network.
package cycle
