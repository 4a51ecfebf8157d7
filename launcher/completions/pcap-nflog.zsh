#compdef pcap-nflog
# Completion of pcap-nflog(1) for zsh. Generated: make man.

_pcap_nflog_devices() {
    local -a devices
    devices=(nflog ${(f)"$(_call_program devices "pcap-nflog list 2>/dev/null | awk 'NR > 1 { print \"nflog:\" \$1 }'")"})
    compadd "$@" -- ${(u)devices}
}

# A message keeps zsh from inserting what else may stand there.
_pcap_nflog_match() {
    [[ $PREFIX == -* ]] || _message -e match 'match in the words of nft(8)'
}

_pcap_nflog_commands() {
    local -a actions
    actions=(
        'doctor:Check what a capture needs here, and say what to do where it is missing'
        'list:Show the groups that rules log to\: table, chain, rule, packets, prefix, reader'
        'tap:Capture what an nftables expression matches, for as long as a command runs'
        'help:Print this message or the help of the given subcommand(s)'
    )
    _describe -t actions 'pcap-nflog command' actions
    _command_names -e
}

_pcap_nflog() {
    local curcontext=$curcontext state line ret=1
    local -a options of_tap
    options=(
        '--linktype=[Link type of NFLOG devices whose name has none]:type:(RAW IPV4 IPV6 EN10MB LINUX_SLL2 LINUX_SLL NFLOG)'
        '*--device=[A device for COMMAND to list, besides those that rules log to and those that its arguments name; may be repeated]:device:_pcap_nflog_devices'
        '--immediate[Hand each packet of NFLOG devices over at once, also to a COMMAND that does not ask for it\: nothing waits for a batch, and estimated times are near; each packet costs a wake-up]'
        '--help[Print help (see more with '\''--help'\'')]'
        '--version[Print version]'
    )
    of_tap=(
        '*--hooks=[Where packets are matched\: a list of prerouting, input, forward, output and postrouting]:hooks:_values -s , hook prerouting input forward output postrouting'
        '--dry-run[Print the rules and the command, and do nothing]'
    )
    _arguments -C $options '(-): :->command' '*:: :->arguments' && ret=0
    case $state in
        command) _pcap_nflog_commands && ret=0 ;;
        arguments)
            case $words[1] in
                doctor) _arguments $options '(-)1:program:_command_names -e' '*:: :_normal' && ret=0 ;;
                list) _arguments $options && ret=0 ;;
                help) _pcap_nflog_commands && ret=0 ;;
                tap)
                    # Behind -- is a command line of its own.
                    local -i dashes=${words[(i)--]}
                    if ((dashes < CURRENT)); then
                        shift $dashes words
                        ((CURRENT -= dashes))
                        _normal && ret=0
                    else
                        _arguments $of_tap $options '1: :_pcap_nflog_match' '2: :((--\:"COMMAND follows"))' && ret=0
                    fi
                    ;;
                *) _normal && ret=0 ;;
            esac
            ;;
    esac
    return ret
}

if [[ $funcstack[1] == _pcap-nflog ]]; then
    _pcap_nflog "$@"
else
    compdef _pcap_nflog pcap-nflog
fi
