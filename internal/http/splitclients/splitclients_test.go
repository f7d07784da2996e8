package splitclients_test

import (
	"strconv"
	"testing"

	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/modules"
)

func TestAsNginx(t *testing.T) {
	site := httptest.Site{
		HTTP: `
			split_clients "$arg_a" $variant { 51.2% one; 10% two; * three; }
			split_clients "${arg_a}AAA" $some { 0.01% "rare"; 30.5% some; }
			split_clients $arg_a $full { 50% a; 50% b; }
			split_clients $arg_a $star { * all; }
			server { listen {{addr}}; return 200 "$variant|$some|$full|$star\n"; }`,
	}
	cases := httptest.Gets("/", "/?a=", "/?a=a", "/?a=ab", "/?a=abc", "/?a=abcd", "/?a=abcde")
	for i := range 40 {
		cases = append(cases, httptest.Gets("/?a="+strconv.Itoa(i*i*7919))...)
	}
	httptest.Compare(t, modules.HTTP(), site, cases)
}

func TestRejectedAsNginx(t *testing.T) {
	for _, text := range []string{
		`split_clients;`, `split_clients a $x;`, `split_clients a x { }`, `split_clients a $ { }`, `split_clients a $uri { }`, `split_clients $nowhere $x { }`, `split_clients a $x { }`,
		`split_clients a $x { 1 a; }`, `split_clients a $x { % a; }`, `split_clients a $x { 0% a; }`, `split_clients a $x { 1.234% a; }`, `split_clients a $x { -1% a; }`, `split_clients a $x { .% a; }`,
		`split_clients a $x { .5% a; 5.% b; }`, `split_clients a $x { 1.2.3% a; }`, `split_clients a $x { x% a; }`, `split_clients a $x { 60% a; 50% b; }`, `split_clients a $x { 60% a; * b; 1% c; }`, `split_clients a $x { * b; * c; }`,
		`split_clients a $x { 100% b; * c; }`, `split_clients a $x { 100.01% b; }`, `server { split_clients a $x { } }`,
	} {
		httptest.CompareRejected(t, modules.HTTP(), httptest.Site{HTTP: text})
	}
}
