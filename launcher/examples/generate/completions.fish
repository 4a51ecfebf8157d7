# Completion of pcap-nflog(1) for fish. Generated: make man.

# Where the cursor is: front, behind a command of pcap-nflog's own (its name; tap-match behind MATCH), or command and
# the words that COMMAND has so far.
function __pcap_nflog_state
    set -l words (commandline -opc)
    set -l at front
    set -e words[1]
    while set -q words[1]
        switch $words[1]
            case --
                if string match -q 'tap*' $at
                    printf '%s\n' command $words[2..-1]
                    return
                end
            case @VALUED@
                set -e words[1]
            case '-*'
            case '*'
                if test $at = tap
                    set at tap-match
                else if test $at = doctor
                    printf '%s\n' command $words
                    return
                else if test $at = front
                    switch $words[1]
                        case @ACTION@
                            set at $words[1]
                        case '*'
                            printf '%s\n' command $words
                            return
                    end
                end
        end
        set -e words[1]
    end
    echo $at
end

function __pcap_nflog_at
    set -l state (__pcap_nflog_state)
    contains -- $state[1] $argv
end

# COMMAND is completed as its own line would be.
function __pcap_nflog_command
    set -l words (__pcap_nflog_state)
    complete -C (string join -- ' ' (string escape -- $words[2..-1]) (commandline -ct))
end

function __pcap_nflog_devices
    echo nflog
    pcap-nflog list 2>/dev/null | awk 'NR > 1 && !seen[$1]++ { print "nflog:" $1 }'
end

complete -c pcap-nflog -f
complete -c pcap-nflog -n '__pcap_nflog_at command' -a '(__pcap_nflog_command)'
complete -c pcap-nflog -n '__pcap_nflog_at front doctor' -a '(__fish_complete_command)'
complete -c pcap-nflog -n '__pcap_nflog_at tap-match' -a -- -d 'COMMAND follows'
@ACTIONS@
@OPTIONS@
@OF_TAP@
