# The stage of scripts/demo: sandbox and service on free loopback ports, and the words the story is told in.
# Wants $bin and $keep; gives $sandbox, $grpc, $admin and the functions below.
# shellcheck shell=bash disable=SC2154,SC2034

dir=$(mktemp -d)
pids=()
clean_up() {
  local code=$? pid
  if ((code != 0)); then
    printf '\nWhat the programs said last:\n'
    tail -n 15 "$dir"/*.err 2>/dev/null || true
  elif $keep; then
    return
  fi
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait
  rm -rf "$dir"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

start() { # NAME LISTENER COMMAND…: starts it, and waits until it says that it listens there
  local name=$1 listener=$2
  shift 2
  setsid "$@" </dev/null >"$dir/$name.out" 2>"$dir/$name.err" &
  pids+=($!)
  for _ in {1..1200}; do
    if grep -qs "^listening $listener " "$dir/$name.out"; then return; fi
    kill -0 $! 2>/dev/null || break
    sleep 0.05
  done
  echo "$name did not start" >&2
  exit 1
}
address() { awk -v name="$2" '$1 == "listening" && $2 == name { print $3 }' "$dir/$1.out"; } # PROGRAM LISTENER

start sandbox sandbox "$bin/hongyan-sandbox" --listen 127.0.0.1:0
sandbox=http://$(address sandbox sandbox)
cat >"$dir/hongyan.yaml" <<END
storage: { url: "sqlite:$dir/hongyan.db" }
grpc: { listen: "127.0.0.1:0" }
callback: { listen: "127.0.0.1:0" }
admin: { listen: "127.0.0.1:0" }
wechat: { api_urls: ["$sandbox"], timeout: 2s }
shutdown: { delay: 0s }
accounts:
  - name: main
    app_id: wxsandbox00000001
    app_secret: \${WX_APP_SECRET}
    callback:
      token: \${WX_CALLBACK_TOKEN}
      mode: plain
    replies:
      - { on: subscribe, text: "谢谢您的关注！" }
      - { on: text, match: "^帮助$", text: "回复订单号，即可查询物流。" }
END
export WX_APP_SECRET=sandboxsecret0000000000000000001 WX_CALLBACK_TOKEN=sandboxtoken
start hongyand admin "$bin/hongyand" --config "$dir/hongyan.yaml"
grpc=$(address hongyand grpc)
admin=http://$(address hongyand admin)
callback=http://$(address hongyand callback)/wechat/callback/main

title() { printf '\n── %s\n' "$*"; }
fail() {
  printf '  ✗ %s\n' "$*" >&2
  exit 1
}
# check 'what it means' 'jq filter that must be true' JSON
check() {
  jq -e "$2" >/dev/null <<<"$3" || fail "$1"$'\n'"$3"
  printf '  ✓ %s\n' "$1"
}
# hongyan EXIT_CODE ARGS…: the command line as a user types it; what it printed is also in $said
hongyan() {
  local wanted=$1 got=0 word
  shift
  printf '  $ hongyan'
  for word in "$@"; do
    if [[ $word =~ [^[:alnum:]_./:=-] ]]; then word=${word@Q}; fi
    printf ' %s' "$word"
  done
  said=$("$bin/hongyan" --target "$grpc" "$@" 2>&1) || got=$?
  printf '\n%s\n' "$said" | sed '2,$s/^/    /'
  ((got == wanted)) || fail "exit code $got instead of $wanted"
}
# says 'what it means' 'text that must be in what the command line said'
says() {
  [[ $said == *"$2"* ]] || fail "$1"
  printf '  ✓ %s\n' "$1"
}
# control PATH CURL_ARGS…: the sandbox's control API
control() {
  local answer
  answer=$(curl -sS --fail-with-body --max-time 15 "$sandbox/sandbox/$1" "${@:2}") || fail "sandbox, $1: $answer"
  echo "$answer"
}
mark() { mark=$(control ledger | jq '[.requests[].seq] | max // 0'); } # arrivals are counted from here
arrivals() { control "ledger?api=/cgi-bin/message/$1/send&after_seq=$mark" | jq -c '[.requests[] | {outcome, counted, errcode}]'; }
# grpc SERVICE/METHOD 'bytes of a request, for printf': one gRPC call without any gRPC tool
grpc_call() {
  # shellcheck disable=SC2059
  printf "$2" | curl -sS --max-time 10 --http2-prior-knowledge -H 'content-type: application/grpc' -H 'te: trailers' \
    --data-binary @- "http://$grpc/$1"
}
