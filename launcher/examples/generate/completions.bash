# Completion of pcap-nflog(1) for bash, with the package bash-completion. Generated: make man.

# What has been typed of the word at the cursor, which bash splits at colons.
_pcap_nflog_devices() {
    local word=${COMP_LINE:0:COMP_POINT}
    word=${word##*[ =]}
    local groups
    groups=$(pcap-nflog list 2>/dev/null | awk 'NR > 1 && !seen[$1]++ { print "nflog:" $1 }')
    COMPREPLY=($(compgen -W "nflog $groups" -- "$word"))
    if [[ $word == *:* && $COMP_WORDBREAKS == *:* ]]; then
        local index colon=${word%"${word##*:}"}
        for index in "${!COMPREPLY[@]}"; do
            COMPREPLY[index]=${COMPREPLY[index]#"$colon"}
        done
    fi
}

# What begins at a word is a command line of its own.
_pcap_nflog_command() {
    if declare -F _comp_command_offset >/dev/null; then
        _comp_command_offset "$1"
    elif declare -F _command_offset >/dev/null; then
        _command_offset "$1"
    elif ((COMP_CWORD == $1)); then
        COMPREPLY=($(compgen -c -- "${COMP_WORDS[COMP_CWORD]}"))
    fi
}

_pcap_nflog() {
    local cur=${COMP_WORDS[COMP_CWORD]} action= match= value= i
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
            --)
                if [[ $action == tap ]]; then
                    _pcap_nflog_command $((i + 1))
                    return
                fi
                ;;
            @VALUED@)
                value=${COMP_WORDS[i]}
                [[ ${COMP_WORDS[i + 1]} == = ]] && ((i++))
                # Up to the value's end, or to the cursor.
                ((i++))
                while ((i + 1 <= COMP_CWORD)) && [[ ${COMP_WORDS[i]} == [:@] || ${COMP_WORDS[i + 1]} == [:@] ]]; do
                    ((i++))
                done
                ((i >= COMP_CWORD)) && break
                value=
                ;;
            -*) ;;
            *)
                if [[ $action == tap ]]; then
                    match=1
                elif [[ $action == doctor ]]; then
                    _pcap_nflog_command $i
                    return
                elif [[ ! $action ]]; then
                    case ${COMP_WORDS[i]} in
                        @ACTION@) action=${COMP_WORDS[i]} ;;
                        *)
                            _pcap_nflog_command $i
                            return
                            ;;
                    esac
                fi
                ;;
        esac
    done
    if [[ $value ]]; then
        [[ $cur == = ]] && cur=
        case $value in
@VALUES@
        esac
    fi
    case $action,$cur in
        tap,-*) COMPREPLY=($(compgen -W "@OF_TAP@ @OPTIONS@ ${match:+--}" -- "$cur")) ;;
        *,-*) COMPREPLY=($(compgen -W '@OPTIONS@' -- "$cur")) ;;
        ,* | doctor,*)
            _pcap_nflog_command "$COMP_CWORD"
            [[ $action ]] || COMPREPLY+=($(compgen -W '@ACTIONS@' -- "$cur"))
            ;;
        tap,*) COMPREPLY=($(compgen -W "${match:+--}" -- "$cur")) ;;
        help,*) COMPREPLY=($(compgen -W '@ACTIONS@' -- "$cur")) ;;
    esac
}

complete -F _pcap_nflog pcap-nflog
