// The client of the key service.
package main

import (
	"bytes"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
)

type userKeys struct{ message, sign *rsa.PublicKey }

type provider struct {
	address string
	key     *rsa.PublicKey
	cache   map[string]userKeys
}

func (p *provider) keysOf(user string) (userKeys, error) {
	if known, ok := p.cache[user]; ok {
		return known, nil
	}
	answer, err := http.Get(p.address + "/users/" + user)
	if err != nil {
		return userKeys{}, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return userKeys{}, err
	}
	if answer.StatusCode != http.StatusOK {
		return userKeys{}, fmt.Errorf("%d: %s", answer.StatusCode, body)
	}
	if !bytes.HasSuffix(body, []byte("\n")) {
		return userKeys{}, errors.New("the body does not end in a line feed")
	}
	var outer struct {
		Response  json.RawMessage `json:"response"`
		Signature string          `json:"signature"`
	}
	if err := json.Unmarshal(body, &outer); err != nil {
		return userKeys{}, err
	}
	signature, err := encoding.DecodeString(outer.Signature)
	if err != nil {
		return userKeys{}, err
	}
	if err := verify(p.key, outer.Response, signature); err != nil {
		return userKeys{}, err
	}
	var inner struct {
		Message string `json:"public_key_message"`
		Sign    string `json:"public_key_sign"`
	}
	if err := json.Unmarshal(outer.Response, &inner); err != nil {
		return userKeys{}, err
	}
	var found userKeys
	if found.message, err = parsePublic(inner.Message); err != nil {
		return userKeys{}, err
	}
	if found.sign, err = parsePublic(inner.Sign); err != nil {
		return userKeys{}, err
	}
	p.cache[user] = found
	return found, nil
}

type registration struct {
	Username string `json:"username"`
	Email    string `json:"email"`
	Message  string `json:"public_key_message"`
	Sign     string `json:"public_key_sign"`
}

func register(address, user, email, folder string) {
	texts := map[string]string{}
	for _, use := range []string{"message", "sign"} {
		text, err := os.ReadFile(keyFile(folder, user, use) + ".pub")
		die(err)
		texts[use] = string(text)
	}
	body, err := json.Marshal(registration{user, email, texts["message"], texts["sign"]})
	die(err)
	answer, err := http.Post(address+"/users", "application/json", bytes.NewReader(body))
	die(err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	die(err)
	say(map[string]any{"status": answer.StatusCode, "body": string(text)})
}
