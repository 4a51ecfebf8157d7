# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_pcap_nflog_global_optspecs
    string join \n linktype= device= immediate h/help V/version
end

function __fish_pcap_nflog_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_pcap_nflog_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_pcap_nflog_using_subcommand
    set -l cmd (__fish_pcap_nflog_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c pcap-nflog -n "__fish_pcap_nflog_needs_command" -l linktype -d 'Link type of NFLOG devices whose name has none: RAW, IPV4, IPV6, EN10MB, LINUX_SLL2, LINUX_SLL or NFLOG' -r
complete -c pcap-nflog -n "__fish_pcap_nflog_needs_command" -l device -d 'A device for COMMAND to list, besides those that rules log to and those that its arguments name; may be repeated' -r
complete -c pcap-nflog -n "__fish_pcap_nflog_needs_command" -l immediate -d 'Hand each packet of NFLOG devices over at once, also to a COMMAND that does not ask for it: nothing waits for a batch, and estimated times are near; each packet costs a wake-up'
complete -c pcap-nflog -n "__fish_pcap_nflog_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pcap-nflog -n "__fish_pcap_nflog_needs_command" -s V -l version -d 'Print version'
complete -c pcap-nflog -n "__fish_pcap_nflog_needs_command" -f -a "doctor" -d 'Check what a capture needs here, and say what to do where it is missing'
complete -c pcap-nflog -n "__fish_pcap_nflog_needs_command" -f -a "list" -d 'Show the groups that rules log to: table, chain, rule, packets, prefix, reader'
complete -c pcap-nflog -n "__fish_pcap_nflog_needs_command" -f -a "tap" -d 'Capture what an nftables expression matches, for as long as a command runs'
complete -c pcap-nflog -n "__fish_pcap_nflog_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pcap-nflog -n "__fish_pcap_nflog_using_subcommand doctor" -l linktype -d 'Link type of NFLOG devices whose name has none: RAW, IPV4, IPV6, EN10MB, LINUX_SLL2, LINUX_SLL or NFLOG' -r
complete -c pcap-nflog -n "__fish_pcap_nflog_using_subcommand doctor" -l device -d 'A device for COMMAND to list, besides those that rules log to and those that its arguments name; may be repeated' -r
complete -c pcap-nflog -n "__fish_pcap_nflog_using_subcommand doctor" -l immediate -d 'Hand each packet of NFLOG devices over at once, also to a COMMAND that does not ask for it: nothing waits for a batch, and estimated times are near; each packet costs a wake-up'
complete -c pcap-nflog -n "__fish_pcap_nflog_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pcap-nflog -n "__fish_pcap_nflog_using_subcommand list" -l linktype -d 'Link type of NFLOG devices whose name has none: RAW, IPV4, IPV6, EN10MB, LINUX_SLL2, LINUX_SLL or NFLOG' -r
complete -c pcap-nflog -n "__fish_pcap_nflog_using_subcommand list" -l device -d 'A device for COMMAND to list, besides those that rules log to and those that its arguments name; may be repeated' -r
complete -c pcap-nflog -n "__fish_pcap_nflog_using_subcommand list" -l immediate -d 'Hand each packet of NFLOG devices over at once, also to a COMMAND that does not ask for it: nothing waits for a batch, and estimated times are near; each packet costs a wake-up'
complete -c pcap-nflog -n "__fish_pcap_nflog_using_subcommand list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pcap-nflog -n "__fish_pcap_nflog_using_subcommand tap" -l hooks -d 'Where packets are matched: a list of prerouting, input, forward, output and postrouting' -r -f -a "prerouting\t''
input\t''
forward\t''
output\t''
postrouting\t''"
complete -c pcap-nflog -n "__fish_pcap_nflog_using_subcommand tap" -l linktype -d 'Link type of NFLOG devices whose name has none: RAW, IPV4, IPV6, EN10MB, LINUX_SLL2, LINUX_SLL or NFLOG' -r
complete -c pcap-nflog -n "__fish_pcap_nflog_using_subcommand tap" -l device -d 'A device for COMMAND to list, besides those that rules log to and those that its arguments name; may be repeated' -r
complete -c pcap-nflog -n "__fish_pcap_nflog_using_subcommand tap" -l dry-run -d 'Print the rules and the command, and do nothing'
complete -c pcap-nflog -n "__fish_pcap_nflog_using_subcommand tap" -l immediate -d 'Hand each packet of NFLOG devices over at once, also to a COMMAND that does not ask for it: nothing waits for a batch, and estimated times are near; each packet costs a wake-up'
complete -c pcap-nflog -n "__fish_pcap_nflog_using_subcommand tap" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pcap-nflog -n "__fish_pcap_nflog_using_subcommand help; and not __fish_seen_subcommand_from doctor list tap help" -f -a "doctor" -d 'Check what a capture needs here, and say what to do where it is missing'
complete -c pcap-nflog -n "__fish_pcap_nflog_using_subcommand help; and not __fish_seen_subcommand_from doctor list tap help" -f -a "list" -d 'Show the groups that rules log to: table, chain, rule, packets, prefix, reader'
complete -c pcap-nflog -n "__fish_pcap_nflog_using_subcommand help; and not __fish_seen_subcommand_from doctor list tap help" -f -a "tap" -d 'Capture what an nftables expression matches, for as long as a command runs'
complete -c pcap-nflog -n "__fish_pcap_nflog_using_subcommand help; and not __fish_seen_subcommand_from doctor list tap help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
