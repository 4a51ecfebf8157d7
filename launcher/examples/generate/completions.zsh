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
@ACTIONS@
    )
    _describe -t actions 'pcap-nflog command' actions
    _command_names -e
}

_pcap_nflog() {
    local curcontext=$curcontext state line ret=1
    local -a options of_tap
    options=(
@OPTIONS@
    )
    of_tap=(
@OF_TAP@
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
