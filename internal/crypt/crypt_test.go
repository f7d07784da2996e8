package crypt

import (
	"errors"
	"os"
	"strings"
	"testing"
)

// The vectors are libxcrypt's, and OpenSSL's for Apache's scheme.
func TestVectors(t *testing.T) {
	text, err := os.ReadFile("testdata/vectors.tsv")
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for line := range strings.Lines(string(text)) {
		count++
		password, hash, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if ok, err := Check(hash, password, nil); !ok || err != nil {
			t.Errorf("%q does not belong to %s: %v", password, hash, err)
		}
		if ok, err := Check(hash, "x"+password, nil); ok || err != nil {
			t.Errorf("%q belongs to %s: %v", "x"+password, hash, err)
		}
	}
	if count < 60 {
		t.Errorf("only %d vectors", count)
	}
}

func TestCheck(t *testing.T) {
	for _, tt := range []struct {
		hash, password string
		ok             bool
		err            error
	}{
		{hash: "{PLAIN}password", password: "password", ok: true},
		{hash: "{PLAIN}password", password: "passwor"},
		{hash: "{PLAIN}", password: "", ok: true},
		{hash: "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", password: "password", ok: true},
		{hash: "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g", password: "password"},
		{hash: "{SHA}_____Mm5Pz8GgiULbPgzG37mj9g=", password: "1"},
		{hash: "{SSHA}yI6cZwQadOA1e+/f+T+H3eCQQhRzYWx0", password: "password", ok: true},
		{hash: "{SSHA}yI6cZwQadOA1e+/f+T+H3eCQQhRzYWx0", password: "1"},
		{hash: "{SSHA}_____wQadOA1e+/f+T+H3eCQQhRzYWx0", password: "1"},
		{hash: "{SSHA}Zm9vCg==", password: "1"},
		{hash: "$apr1$salt$Xxd1irWT9ycqoYxGFn4cb.", password: "password", ok: true},
		{hash: "$apr1$", password: "1"},
		{hash: "$1$", password: "1"},
		{hash: "", password: ""},
		{hash: "a", password: "a"},
		{hash: "password", password: "password"},
		{hash: "*0", password: "x"},
		{hash: "{MD5}x", password: "x"},
		{hash: "{", password: "x"},
		{hash: "$6$rounds=999$salt$x", password: "x"},
		{hash: "$6$rounds=5000", password: "x"},
		{hash: "$6$rounds=99999999999999999999$salt$x", password: "x"},
		{hash: "$2y$03$abcdefghijklmnopqrstuuF7KK/SfP9IRGj0pPJMr8GdtCS8xpmpC", password: "x"},
		{hash: "$2y$04$short", password: "x"},
		{hash: "$2y$04$!bcdefghijklmnopqrstuuF7KK/SfP9IRGj0pPJMr8GdtCS8xpmpC", password: "x"},
		{hash: "$1$salt$qJH7.N4xYta3aEG/dfqo/0", password: strings.Repeat("x", 512)},
		{hash: "$y$j9T$salt$hash", password: "x", err: ErrScheme},
		{hash: "$2x$04$abcdefghijklmnopqrstuuF7KK/SfP9IRGj0pPJMr8GdtCS8xpmpC", password: "x", err: ErrScheme},
		{hash: "_J9..rasmBYk8r9AiWNc", password: "rasmuslerdorf", err: ErrScheme},
		{hash: "$", password: "x", err: ErrScheme},
	} {
		ok, err := Check(tt.hash, tt.password, nil)
		if ok != tt.ok || !errors.Is(err, tt.err) {
			t.Errorf("%q of %q: %v, %v", tt.password, tt.hash, ok, err)
		}
	}
}

func TestScheme(t *testing.T) {
	for hash, want := range map[string]string{
		"$y$j9T$salt": "$y$", "$": "$", "{SHA}x": "{SHA}", "abcd": "", "_J9": "_", "": "", "{x": "",
	} {
		if got := Scheme(hash); got != want {
			t.Errorf("%q: %q, want %q", hash, got, want)
		}
	}
}

// The slow ones let others run.
func TestPauses(t *testing.T) {
	for hash, least := range map[string]int{
		"$1$salt$qJH7.N4xYta3aEG/dfqo/0": 3,
		"$6$salt$x":                      30,
		"$5$rounds=10000$salt$x":         60,
		"$2y$06$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm": 64,
	} {
		pauses := 0
		if _, err := Check(hash, "password", func() { pauses++ }); err != nil || pauses < least {
			t.Errorf("%s: %d pauses, %v", hash, pauses, err)
		}
	}
}

func FuzzCheck(f *testing.F) {
	for _, hash := range []string{"{SSHA}Zm9vCg==", "$1$a$", "$5$rounds=1000$a$", "$6$", "ab", "$apr1$$", "{PLAIN}x"} {
		f.Add(hash, "password")
	}
	f.Fuzz(func(t *testing.T, hash, password string) {
		if strings.Contains(hash, "rounds=") || strings.HasPrefix(hash, "$2") || len(password) > 600 {
			return // as slow as they like
		}
		ok, err := Check(hash, password, nil)
		if ok && (err != nil || hash == "") {
			t.Errorf("%q belongs to %q: %v", password, hash, err)
		}
	})
}

func Benchmark(b *testing.B) {
	for _, hash := range []string{"sa3tHJ3/KuYvI", "$apr1$salt$Xxd1irWT9ycqoYxGFn4cb.", "$5$salt$x", "$6$salt$x",
		"$2y$05$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm"} {
		b.Run(hash[:3], func(b *testing.B) {
			for b.Loop() {
				_, _ = Check(hash, "password", nil)
			}
		})
	}
}
