"""The keywords of ssh_config: those that matter here, and those that OpenSSH has besides. Data only."""

# Of these the first word counts.
_ONCE = (
    "hostname user port hostkeyalias identityagent identitiesonly forwardagent addressfamily bindaddress "
    "bindinterface connecttimeout proxyjump proxycommand revokedhostkeys knownhostscommand "
    "canonicalizehostname proxyusefdpass pkcs11provider tag"
)
ONCE = frozenset(_ONCE.split())
# Of these the first line counts, with all its words.
LISTS = frozenset({"userknownhostsfile", "globalknownhostsfile"})
# Of these every line counts.
GROWING = frozenset({"identityfile", "certificatefile"})
# A file that says one of these with a value that is none of the answers would be refused by ssh.
ANSWERS = {
    "identitiesonly": frozenset({"yes", "no", "true", "false"}),
    "addressfamily": frozenset({"any", "inet", "inet6"}),
}
_OTHERS = (
    "addkeystoagent batchmode canonicaldomains canonicalizefallbacklocal canonicalizemaxdots "
    "canonicalizepermittedcnames casignaturealgorithms challengeresponseauthentication "
    "channeltimeout checkhostip cipher ciphers clearallforwardings compression compressionlevel "
    "connectionattempts controlmaster controlpath controlpersist dsaauthentication dynamicforward "
    "enableescapecommandline enablesshkeysign escapechar exitonforwardfailure fallbacktorsh fingerprinthash "
    "forkafterauthentication forwardx11 forwardx11timeout forwardx11trusted gatewayports "
    "gssapiauthentication gssapiclientidentity gssapidelegatecredentials gssapikexalgorithms "
    "gssapikeyexchange gssapirenewalforcesrekey gssapiserveridentity gssapitrustdns hashknownhosts "
    "hostbasedacceptedalgorithms hostbasedauthentication hostbasedkeytypes hostkeyalgorithms ignoreunknown "
    "ipqos kbdinteractiveauthentication kbdinteractivedevices keepalive kexalgorithms localcommand "
    "localforward loglevel logverbose macs nohostauthenticationforlocalhost numberofpasswordprompts "
    "obscurekeystroketiming passwordauthentication permitlocalcommand permitremoteopen "
    "preferredauthentications protocol pubkeyacceptedalgorithms pubkeyacceptedkeytypes "
    "pubkeyauthentication rekeylimit remotecommand remoteforward requesttty requiredrsasize "
    "rhostsrsaauthentication rsaauthentication securitykeyprovider sendenv serveralivecountmax "
    "serveraliveinterval sessiontype setenv skeyauthentication smartcarddevice stdinnull streamlocalbindmask "
    "streamlocalbindunlink stricthostkeychecking syslogfacility tcpkeepalive tisauthentication tunnel "
    "tunneldevice updatehostkeys usekeychain useprivilegedport usersh verifyhostkeydns versionaddendum "
    "visualhostkey warnweakcrypto xauthlocation refuseconnection"
)
KNOWN = ONCE | LISTS | GROWING | frozenset(_OTHERS.split())
