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
            case --linktype --device --hooks
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
                        case doctor list tap help
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
complete -c pcap-nflog -n '__pcap_nflog_at front' -a doctor -d 'Check what a capture needs here, and say what to do where it is missing'
complete -c pcap-nflog -n '__pcap_nflog_at front' -a list -d 'Show the groups that rules log to: table, chain, rule, packets, prefix, reader'
complete -c pcap-nflog -n '__pcap_nflog_at front' -a tap -d 'Capture what an nftables expression matches, for as long as a command runs'
complete -c pcap-nflog -n '__pcap_nflog_at front' -a help -d 'Print this message or the help of the given subcommand(s)'
complete -c pcap-nflog -n 'not __pcap_nflog_at command' -l linktype -x -a 'RAW IPV4 IPV6 EN10MB LINUX_SLL2 LINUX_SLL NFLOG' -d 'Link type of NFLOG devices whose name has none'
complete -c pcap-nflog -n 'not __pcap_nflog_at command' -l device -x -a '(__pcap_nflog_devices)' -d 'A device for COMMAND to list, besides those that rules log to and those that its arguments name; may be repeated'
complete -c pcap-nflog -n 'not __pcap_nflog_at command' -l immediate -d 'Hand each packet of NFLOG devices over at once, also to a COMMAND that does not ask for it: nothing waits for a batch, and estimated times are near; each packet costs a wake-up'
complete -c pcap-nflog -n 'not __pcap_nflog_at command' -l help -d 'Print help (see more with \'--help\')'
complete -c pcap-nflog -n 'not __pcap_nflog_at command' -l version -d 'Print version'
complete -c pcap-nflog -n '__pcap_nflog_at tap tap-match' -l hooks -x -a '(__fish_complete_list , "printf \'%s\\n\' prerouting input forward output postrouting")' -d 'Where packets are matched: a list of prerouting, input, forward, output and postrouting'
complete -c pcap-nflog -n '__pcap_nflog_at tap tap-match' -l dry-run -d 'Print the rules and the command, and do nothing'
