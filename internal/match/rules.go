package match

import (
	"net/netip"

	"github.com/baton-project/baton/internal/cidr"
	"github.com/baton-project/baton/internal/conf"
)

// AddRule adds to rules what an allow or deny directive says.
func AddRule(rules *cidr.Rules, d *conf.Directive, v cidr.Verdict) error {
	switch text := d.Args[0]; text {
	case "all":
		rules.AddAll(v)
	case "unix:":
		rules.AddUnix(v)
	default:
		block, exact, err := cidr.Parse(text)
		if err != nil {
			return d.Errorf(`invalid parameter "%s"`, text)
		}
		warnInexact(d, exact)
		rules.Add(block, v)
	}
	return nil
}

// AddTrusted adds to rules whom a set_real_ip_from directive trusts.
func AddTrusted(rules *cidr.Rules, d *conf.Directive) error {
	text := d.Args[0]
	if text == "unix:" {
		rules.AddUnix(cidr.Allowed)
		return nil
	}
	if block, exact, err := cidr.Parse(text); err == nil {
		warnInexact(d, exact)
		rules.Add(block, cidr.Allowed)
		return nil
	}
	addrs, err := d.Tree().LookupHost(text)
	if err != nil || len(addrs) == 0 {
		return d.Errorf(`host not found in %s "%s"`, d.Name, text)
	}
	for _, addr := range addrs {
		rules.Add(netip.PrefixFrom(addr, addr.BitLen()), cidr.Allowed)
	}
	return nil
}

func warnInexact(d *conf.Directive, exact bool) {
	if !exact {
		d.Warnf("low address bits of %s are meaningless", d.Args[0])
	}
}
