package main

import (
	"fmt"
	"strings"
)

// What the case "routing" chooses among.
const (
	routingNames   = 1000
	routingRegexes = 500
)

// routingPaths match the first regex, the 250th, the last, and none.
var routingPaths = [...]string{"/app0/index.php", "/app249/index.php", "/static/site.type499", "/about/us.html"}

// routingRegex is the i-th regex location, of the three kinds people write: bound
// to the beginning, to the end, and to neither.
func routingRegex(i int) string {
	switch i % 3 {
	case 0:
		return fmt.Sprintf(`^/app%d/[^/]+\.php$`, i)
	case 1:
		return fmt.Sprintf(`\.type%d$`, i)
	default:
		return fmt.Sprintf(`/images%d/.*\.(png|jpe?g)$`, i)
	}
}

// routingServer has all the names and locations. It stands beside the server that
// answers to other names: nginx looks up no name where it has one server only.
func routingServer() string {
	var b strings.Builder
	b.WriteString("\tserver_names_hash_max_size 16384;\n\tserver_names_hash_bucket_size 128;\n")
	b.WriteString("\tserver {\n\t\tlisten 127.0.0.1:{{port}};\n")
	for i := range routingNames {
		fmt.Fprintf(&b, "\t\tserver_name site%d.example.com;\n", i)
	}
	for i := range routingRegexes {
		fmt.Fprintf(&b, "\t\tlocation ~ \"%s\" { return 200 \"regex %03d\\n\"; }\n", routingRegex(i), i)
	}
	b.WriteString("\t\tlocation / { return 200 \"no regex\\n\"; }\n\t}\n")
	return b.String()
}

// routingScript asks every path of every name in turn, the paths alternating.
func routingScript() string {
	var paths strings.Builder
	for _, path := range routingPaths {
		fmt.Fprintf(&paths, "%q, ", path)
	}
	return fmt.Sprintf(`init = function(args)
	local paths = {%s}
	all = {}
	for round = 1, #paths do
		for i = 0, %d do
			local path = paths[(i + round) %% #paths + 1]
			all[#all + 1] = wrk.format("GET", path, {Host = "site" .. i .. ".example.com"})
		end
	end
	last = 0
end
request = function()
	last = last %% #all + 1
	return all[last]
end
`, paths.String(), routingNames-1)
}
