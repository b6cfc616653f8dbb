// The earlier messenger's client and key service, written from docs/spec/15-nes.md alone, on Go's standard library.
//
//	go run . generate -u alice [-d folder] [-s bits]
//	go run . listen   -b tcp://host:port -p http://host:port -P provider.pub -u alice [-d folder]
//	go run . send     -b … -p … -P … -u alice -t bob -m text
//	go run . register -p … -u alice -e a@example.org [-d folder]
//	go run . service  -a host:port -k private.pem -smtp host:port [-seed unix-seconds]
//	go run . predict  -from unix-seconds -to unix-seconds -own token [-count tokens]
//	go run . guess    -k sender-sign.pub -f frame.json -g guesses.json
//	go run . vectors  -keys folder -o folder
//
// It does what the original does, weaknesses included: a malformed frame ends `listen`, and tokens can be predicted. It is a
// counterpart for tests and nothing to run for anybody.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

func die(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func say(value any) {
	line, err := json.Marshal(value)
	die(err)
	fmt.Println(string(line))
}

func keyFile(folder, user, use string) string { return filepath.Join(folder, user+"-rsa-"+use) }

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "a command is needed")
		os.Exit(2)
	}
	flags := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	folder := flags.String("d", ".", "folder of key files")
	user := flags.String("u", "", "own name")
	brokerAddress := flags.String("b", "", "broker")
	providerAddress := flags.String("p", "", "key service")
	providerKey := flags.String("P", "", "public key file of the key service")
	to := flags.String("t", "", "recipient")
	text := flags.String("m", "", "message")
	email := flags.String("e", "", "e-mail address")
	bits := flags.Int("s", 2048, "key size")
	listenAddress := flags.String("a", "127.0.0.1:0", "address to listen on")
	keyName := flags.String("k", "", "a key file")
	smtpAddress := flags.String("smtp", "", "mail server")
	seed := flags.Int64("seed", time.Now().Unix(), "seed of the token generator")
	from := flags.Int64("from", 0, "first seed to try")
	until := flags.Int64("to", 0, "last seed to try")
	own := flags.String("own", "", "a token one was given")
	count := flags.Int("count", 4, "tokens to predict")
	frameFile := flags.String("f", "", "a frame")
	guesses := flags.String("g", "", "guesses, a JSON array of {from, to, timestamp, message}")
	keys := flags.String("keys", "", "folder of the keys of the vectors")
	out := flags.String("o", "", "folder to write to")
	die(flags.Parse(os.Args[2:]))

	source := func() *provider {
		return &provider{address: *providerAddress, key: loadPublic(*providerKey), cache: map[string]userKeys{}}
	}
	switch os.Args[1] {
	case "generate":
		for _, use := range []string{"message", "sign"} {
			generateFiles(keyFile(*folder, *user, use), *bits)
		}
	case "listen":
		listen(*brokerAddress, *user, loadPrivate(keyFile(*folder, *user, "message")), source())
	case "send":
		send(*brokerAddress, *user, *to, *text, loadPrivate(keyFile(*folder, *user, "sign")), source())
	case "register":
		register(*providerAddress, *user, *email, *folder)
	case "service":
		serve(*listenAddress, loadPrivate(*keyName), *smtpAddress, *seed)
	case "predict":
		predict(*from, *until, *own, *count)
	case "guess":
		guess(loadPublic(*keyName), *frameFile, *guesses)
	case "vectors":
		writeVectors(*keys, *out)
	default:
		fmt.Fprintln(os.Stderr, "unknown command")
		os.Exit(2)
	}
}
