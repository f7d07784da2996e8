// Package match holds the tables that turn what a request says into a value:
// names with wildcards, networks and ranges of addresses, and shares of a hash.
// It reads the blocks of map, geo and split_clients, and knows neither HTTP nor
// streams, which give their own variables to look up.
//
//	names.go       exact names and wildcards
//	addresses.go   which network or range an address is in
//	parse.go       addresses, with or without a port
//	ranges.go      ranges inside each other
//	forwarded.go   the client's address behind trusted proxies
//	map.go, geo.go, split.go   the blocks as they were read
package match
