#compdef pcap-nflog

autoload -U is-at-least

_pcap-nflog() {
    typeset -A opt_args
    typeset -a _arguments_options
    local ret=1

    if is-at-least 5.2; then
        _arguments_options=(-s -S -C)
    else
        _arguments_options=(-s -C)
    fi

    local context curcontext="$curcontext" state line
    _arguments "${_arguments_options[@]}" : \
'--linktype=[Link type of NFLOG devices whose name has none\: RAW, IPV4, IPV6, EN10MB, LINUX_SLL2, LINUX_SLL or NFLOG]:TYPE:_default' \
'*--device=[A device for COMMAND to list, besides those that rules log to and those that its arguments name; may be repeated]:DEVICE:_default' \
'--immediate[Hand each packet of NFLOG devices over at once, also to a COMMAND that does not ask for it\: nothing waits for a batch, and estimated times are near; each packet costs a wake-up]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'-V[Print version]' \
'--version[Print version]' \
":: :_pcap-nflog_commands" \
"*::: :->pcap-nflog" \
&& ret=0
    case $state in
    (pcap-nflog)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:pcap-nflog-command-$line[1]:"
        case $line[1] in
            (doctor)
_arguments "${_arguments_options[@]}" : \
'--linktype=[Link type of NFLOG devices whose name has none\: RAW, IPV4, IPV6, EN10MB, LINUX_SLL2, LINUX_SLL or NFLOG]:TYPE:_default' \
'*--device=[A device for COMMAND to list, besides those that rules log to and those that its arguments name; may be repeated]:DEVICE:_default' \
'--immediate[Hand each packet of NFLOG devices over at once, also to a COMMAND that does not ask for it\: nothing waits for a batch, and estimated times are near; each packet costs a wake-up]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'*::command -- The program to check, with its arguments:_default' \
&& ret=0
;;
(list)
_arguments "${_arguments_options[@]}" : \
'--linktype=[Link type of NFLOG devices whose name has none\: RAW, IPV4, IPV6, EN10MB, LINUX_SLL2, LINUX_SLL or NFLOG]:TYPE:_default' \
'*--device=[A device for COMMAND to list, besides those that rules log to and those that its arguments name; may be repeated]:DEVICE:_default' \
'--immediate[Hand each packet of NFLOG devices over at once, also to a COMMAND that does not ask for it\: nothing waits for a batch, and estimated times are near; each packet costs a wake-up]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
&& ret=0
;;
(tap)
_arguments "${_arguments_options[@]}" : \
'*--hooks=[Where packets are matched\: a list of prerouting, input, forward, output and postrouting]:LIST:(prerouting input forward output postrouting)' \
'--linktype=[Link type of NFLOG devices whose name has none\: RAW, IPV4, IPV6, EN10MB, LINUX_SLL2, LINUX_SLL or NFLOG]:TYPE:_default' \
'*--device=[A device for COMMAND to list, besides those that rules log to and those that its arguments name; may be repeated]:DEVICE:_default' \
'--dry-run[Print the rules and the command, and do nothing]' \
'--immediate[Hand each packet of NFLOG devices over at once, also to a COMMAND that does not ask for it\: nothing waits for a batch, and estimated times are near; each packet costs a wake-up]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':matching -- What to capture, in the words of nft(8)\: '\''tcp dport 443'\'', '\''meta skuid www-data'\'', '\''ct state invalid'\''; '\'''\'' is everything:_default' \
'*::command -- The program to run and its arguments, in which {} is the device:_default' \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
":: :_pcap-nflog__subcmd__help_commands" \
"*::: :->help" \
&& ret=0

    case $state in
    (help)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:pcap-nflog-help-command-$line[1]:"
        case $line[1] in
            (doctor)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(list)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(tap)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
        esac
    ;;
esac
}

(( $+functions[_pcap-nflog_commands] )) ||
_pcap-nflog_commands() {
    local commands; commands=(
'doctor:Check what a capture needs here, and say what to do where it is missing' \
'list:Show the groups that rules log to\: table, chain, rule, packets, prefix, reader' \
'tap:Capture what an nftables expression matches, for as long as a command runs' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'pcap-nflog commands' commands "$@"
}
(( $+functions[_pcap-nflog__subcmd__doctor_commands] )) ||
_pcap-nflog__subcmd__doctor_commands() {
    local commands; commands=()
    _describe -t commands 'pcap-nflog doctor commands' commands "$@"
}
(( $+functions[_pcap-nflog__subcmd__help_commands] )) ||
_pcap-nflog__subcmd__help_commands() {
    local commands; commands=(
'doctor:Check what a capture needs here, and say what to do where it is missing' \
'list:Show the groups that rules log to\: table, chain, rule, packets, prefix, reader' \
'tap:Capture what an nftables expression matches, for as long as a command runs' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'pcap-nflog help commands' commands "$@"
}
(( $+functions[_pcap-nflog__subcmd__help__subcmd__doctor_commands] )) ||
_pcap-nflog__subcmd__help__subcmd__doctor_commands() {
    local commands; commands=()
    _describe -t commands 'pcap-nflog help doctor commands' commands "$@"
}
(( $+functions[_pcap-nflog__subcmd__help__subcmd__help_commands] )) ||
_pcap-nflog__subcmd__help__subcmd__help_commands() {
    local commands; commands=()
    _describe -t commands 'pcap-nflog help help commands' commands "$@"
}
(( $+functions[_pcap-nflog__subcmd__help__subcmd__list_commands] )) ||
_pcap-nflog__subcmd__help__subcmd__list_commands() {
    local commands; commands=()
    _describe -t commands 'pcap-nflog help list commands' commands "$@"
}
(( $+functions[_pcap-nflog__subcmd__help__subcmd__tap_commands] )) ||
_pcap-nflog__subcmd__help__subcmd__tap_commands() {
    local commands; commands=()
    _describe -t commands 'pcap-nflog help tap commands' commands "$@"
}
(( $+functions[_pcap-nflog__subcmd__list_commands] )) ||
_pcap-nflog__subcmd__list_commands() {
    local commands; commands=()
    _describe -t commands 'pcap-nflog list commands' commands "$@"
}
(( $+functions[_pcap-nflog__subcmd__tap_commands] )) ||
_pcap-nflog__subcmd__tap_commands() {
    local commands; commands=()
    _describe -t commands 'pcap-nflog tap commands' commands "$@"
}

if [ "$funcstack[1]" = "_pcap-nflog" ]; then
    _pcap-nflog "$@"
else
    compdef _pcap-nflog pcap-nflog
fi
