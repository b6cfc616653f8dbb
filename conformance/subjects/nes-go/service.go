// The key service as section 15.5 has it, and the original's weakness: tokens of a generator that is seeded with the time.
package main

import (
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"math/rand"
	"net"
	"net/http"
	"net/smtp"
	"regexp"
	"strings"
	"sync"
	"time"
)

type record struct {
	registration
	active             bool
	activate, deletion string
	created            time.Time
}

type service struct {
	sync.Mutex
	key    *rsa.PrivateKey
	mail   string
	host   string
	random *rand.Rand
	users  map[string]*record
}

var namePattern = regexp.MustCompile(`^[a-z0-9_-]{3,32}$`)

func token(random *rand.Rand) string {
	bytes := make([]byte, 32)
	random.Read(bytes)
	return encoding.EncodeToString(bytes)
}

func emailOK(text string) bool {
	parts := strings.Split(text, "@")
	return len(parts) == 2 && parts[0] != "" && parts[1] != "" && len(text) <= 32
}

func (s *service) add(w http.ResponseWriter, r *http.Request) {
	var asked registration
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	refuse := func(text string) { http.Error(w, text, http.StatusBadRequest) }
	if !namePattern.MatchString(asked.Username) {
		refuse("username validation error")
		return
	}
	if !emailOK(asked.Email) {
		refuse("email validation error")
		return
	}
	if asked.Message == asked.Sign {
		refuse("both public keys are identical")
		return
	}
	for _, text := range []string{asked.Message, asked.Sign} {
		if _, err := parsePublic(text); err != nil {
			refuse(err.Error())
			return
		}
	}
	s.Lock()
	defer s.Unlock()
	if s.users[asked.Username] != nil {
		refuse("user already exist")
		return
	}
	one := &record{registration: asked, activate: token(s.random), deletion: token(s.random), created: time.Now()}
	s.users[asked.Username] = one
	link := s.host + "/users/" + asked.Username + "/"
	text := "To: " + asked.Email + "\r\nSubject: Welcome\r\n\r\n" + link + one.activate + "\r\n" + link + one.deletion + "\r\n"
	if err := smtp.SendMail(s.mail, nil, "keys@localhost", []string{asked.Email}, []byte(text)); err != nil {
		fmt.Println("mail:", err)
	}
	w.WriteHeader(http.StatusCreated)
}

func (s *service) get(w http.ResponseWriter, r *http.Request, user string) {
	s.Lock()
	defer s.Unlock()
	one := s.users[user]
	if one == nil || !one.active {
		http.NotFound(w, r)
		return
	}
	data := struct {
		Message string `json:"public_key_message"`
		Sign    string `json:"public_key_sign"`
	}{one.Message, one.Sign}
	text, err := json.Marshal(data)
	die(err)
	w.Header().Set("Content-Type", "application/json")
	die(json.NewEncoder(w).Encode(struct {
		Response  any    `json:"response"`
		Signature string `json:"signature"`
	}{data, encoding.EncodeToString(sign(s.key, text))}))
}

func (s *service) token(w http.ResponseWriter, r *http.Request, user, given string) {
	s.Lock()
	defer s.Unlock()
	one := s.users[user]
	switch {
	case one == nil:
		http.NotFound(w, r)
	case !one.active && one.activate == given:
		if time.Since(one.created) > 24*time.Hour {
			http.Error(w, "activate token expired", http.StatusGone)
			return
		}
		one.active = true
		fmt.Fprintln(w, "user activated")
	case one.active && one.deletion == given:
		delete(s.users, user)
		fmt.Fprintln(w, "user deleted")
	default:
		http.NotFound(w, r)
	}
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch {
	case len(parts) == 1 && parts[0] == "users" && r.Method == http.MethodPost:
		s.add(w, r)
	case len(parts) < 2 || parts[0] != "users" || !namePattern.MatchString(parts[1]):
		http.NotFound(w, r)
	case r.Method != http.MethodGet:
		w.WriteHeader(http.StatusMethodNotAllowed)
	case len(parts) == 2:
		s.get(w, r, parts[1])
	case len(parts) == 3:
		s.token(w, r, parts[1], parts[2])
	default:
		http.NotFound(w, r)
	}
}

func serve(address string, key *rsa.PrivateKey, mail string, seed int64) {
	listener, err := net.Listen("tcp", address)
	die(err)
	host := "http://" + listener.Addr().String()
	say(map[string]any{"ready": host})
	die(http.Serve(listener, &service{key: key, mail: mail, host: host, random: rand.New(rand.NewSource(seed)), users: map[string]*record{}}))
}

// predict finds the seed under which one's own activation token was the first, and says what comes after it.
func predict(from, until int64, own string, count int) {
	for seed := from; seed <= until; seed++ {
		random := rand.New(rand.NewSource(seed))
		if token(random) != own {
			continue
		}
		tokens := make([]string, count)
		for i := range tokens {
			tokens[i] = token(random)
		}
		say(map[string]any{"seed": seed, "tries": seed - from + 1, "next": tokens})
		return
	}
	say(map[string]any{"seed": nil, "tries": until - from + 1})
}
