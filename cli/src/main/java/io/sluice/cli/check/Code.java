package io.sluice.cli.check;

import static io.sluice.cli.check.Severity.ERROR;
import static io.sluice.cli.check.Severity.INFO;
import static io.sluice.cli.check.Severity.WARNING;

import java.util.Optional;

/**
 * What checks can find: the one catalogue, of which the pages in docs/checks are made. Numbers are
 * never used again for something else. It is long, and is read like a table.
 */
public enum Code {
  KERNEL_OLD(
      1001,
      WARNING,
      "The kernel is older than any that was tried",
      "Kernels before 5.10 lack programs that interception needs.",
      "Install a kernel of 5.10 or later; docs/kernels.md lists those that were tried."),
  NO_MODE(
      1002,
      ERROR,
      "Neither eBPF nor iptables works here",
      "The kernel, or what a container may do, refuses both ways of interception.",
      "Read the reason; load the modules nf_nat and xt_REDIRECT, or give the container what docs/security.md lists."),
  EBPF_OUTBOUND_REFUSED(
      1003,
      WARNING,
      "eBPF does not intercept what pods send",
      "The kernel refuses a program that outbound interception needs.",
      "Start the daemon with --mode auto or --fallback, or use a newer kernel."),
  EBPF_INBOUND_REFUSED(
      1004,
      WARNING,
      "eBPF does not intercept what pods receive",
      "The kernel refuses a program that inbound interception needs.",
      "Start the daemon with --mode auto or --fallback, or use a newer kernel."),
  IPTABLES_UNUSABLE(
      1005,
      INFO,
      "No variant of iptables redirects",
      "The tools are missing, or the kernel has no NAT; it counts only where eBPF is refused.",
      "Install iptables and nftables, where the node shall be able to do without eBPF."),
  KERNEL_FEATURE(
      1006,
      INFO,
      "The kernel lacks a feature",
      "It is older than the feature, or was built without it.",
      "Nothing, if the daemon is ready; a newer kernel gives what is named."),
  NO_BTF(
      1007,
      INFO,
      "The kernel describes its types nowhere",
      "It was built without CONFIG_DEBUG_INFO_BTF. Sluice does without; tools that look into it may not.",
      "Nothing for Sluice."),
  NO_CGROUP2(
      1008,
      ERROR,
      "There is no cgroup v2",
      "The node runs cgroup v1 alone, so programs cannot be attached to pods.",
      "Start the kernel with systemd.unified_cgroup_hierarchy=1, or use --mode iptables."),
  NO_BPFFS(
      1009,
      INFO,
      "No bpffs is mounted",
      "Nothing has mounted it yet; the daemon does where it may.",
      "In a container, mount the node's /sys/fs/bpf with bidirectional propagation."),
  BPFFS_READ_ONLY(
      1010,
      ERROR,
      "bpffs is mounted read-only",
      "Maps and programs cannot be kept there, so the daemon cannot start.",
      "Remount /sys/fs/bpf writable."),
  MEMLOCK_LOW(
      1011,
      WARNING,
      "Little memory may be locked",
      "Kernels before 5.11 count maps as locked memory.",
      "Set LimitMEMLOCK=infinity for the daemon, or give it SYS_RESOURCE."),
  CAPABILITIES_MISSING(
      1012,
      ERROR,
      "This process lacks capabilities that the daemon needs",
      "It does not run as root, or its container drops them.",
      "Run as root; in Kubernetes use the chart's security context."),
  LOCKDOWN(
      1013,
      ERROR,
      "The kernel is locked down to confidentiality",
      "In that mode it lets no program read kernel memory.",
      "Boot with lockdown=integrity, or use --mode iptables."),
  UNPRIVILEGED_BPF(
      1014,
      INFO,
      "Every user may load eBPF programs",
      "kernel.unprivileged_bpf_disabled is 0.",
      "Set it to 1 or 2; Sluice runs with rights of its own."),
  CLOCK_1970(
      1015,
      ERROR,
      "The clock stands before this software was made",
      "The machine has no battery for its clock, and nothing has set it yet.",
      "Set the clock and start a time service; until then a running daemon judges by what it knows."),
  CLOCK_ALONE(
      1016,
      INFO,
      "Nothing that keeps the clock was seen",
      "No process of a time service runs here and systemd-timesyncd has not set the clock.",
      "Run chronyd, ntpd or systemd-timesyncd on the node."),
  MEMORY_LOW(
      1017,
      WARNING,
      "Little memory is available",
      "Other processes have it.",
      "Give the node more, or move workloads; the daemon wants about 256 MiB."),
  MEMORY_SHORT(
      1018,
      ERROR,
      "Hardly any memory is available",
      "Below 64 MiB the kernel ends processes, the daemon among them.",
      "End what takes the memory."),
  STATE_FULL(
      1019,
      ERROR,
      "The disk of the state folder is full",
      "Snapshot, keys and journal can no longer be written.",
      "Make room; what waits is written within 30 s."),
  STATE_LOW(
      1020,
      WARNING,
      "The disk of the state folder is nearly full",
      "Less than 64 MiB or a hundredth of it is free.",
      "Make room."),
  STATE_READ_ONLY(
      1021,
      ERROR,
      "The state folder cannot be written",
      "The file system is read-only, or refuses new files.",
      "Remount it writable, or name another folder with --state."),
  STATE_OPEN(
      1022,
      ERROR,
      "Others may write to the state folder",
      "Whoever writes there decides what a restarted daemon enforces, so it is not believed.",
      "chmod go-w the folder; see who changed it."),
  STATE_FOREIGN(
      1023,
      ERROR,
      "The state folder belongs to another user",
      "It was made or copied by someone who is not the daemon's user.",
      "chown it to root, or name another with --state."),
  STATE_NO_FOLDER(
      1024,
      ERROR,
      "What should be the state folder is none",
      "A file stands where the folder should be.",
      "Move it away, or name another with --state."),
  FILES_SYSTEM(
      1025,
      WARNING,
      "The node has nearly used up its open files",
      "fs.file-max is nearly reached, and then no connection can be opened.",
      "Raise fs.file-max, or see who holds the files."),
  FILES_DAEMON(
      1026,
      WARNING,
      "The daemon may open few files",
      "Each connection takes several; the limit was set where it is started.",
      "Set LimitNOFILE=1048576 for it."),
  HIDEPID(
      1027,
      WARNING,
      "/proc hides processes",
      "It is mounted with hidepid, so pods may not be found by their processes.",
      "Give the daemon a /proc without hidepid by --proc."),
  LOCAL_PORTS_MESH(
      1028,
      WARNING,
      "Ports of the mesh may be given to outgoing connections",
      "net.ipv4.ip_local_port_range contains them, and they are not reserved.",
      "Add 15008,15012,15020 to net.ipv4.ip_local_reserved_ports."),
  LOCAL_PORTS_FEW(
      1029,
      WARNING,
      "There are few local ports",
      "net.ipv4.ip_local_port_range is narrow, so many connections to one destination fail.",
      "Widen it, such as to 32768 60999."),
  DAEMON_ABSENT(
      1030,
      INFO,
      "No daemon runs on this node",
      "None was started under this name.",
      "Start it with `node run`, or name the node with --node-name."),
  DAEMON_SILENT(
      1031,
      ERROR,
      "The daemon is gone, and what it attached is in force",
      "It ended or was killed; pods of the node are refused, or go unprotected where they fail open.",
      "Start it again; or give the node back with `node cleanup`."),
  DAEMON_NOT_READY(
      1032,
      ERROR,
      "The daemon is not ready",
      "It says itself what is missing.",
      "Do what is named; `node status` shows it."),
  MODE_IPTABLES(
      1033,
      INFO,
      "Traffic is intercepted by iptables",
      "It was asked for, or eBPF was refused.",
      "Nothing, if that was meant; `node capabilities` says what eBPF lacks."),
  FAIL_OPEN(
      1034,
      WARNING,
      "Traffic goes unprotected while no daemon runs",
      "The daemon was started with --fail-open.",
      "Start it without, unless that is meant."),
  CONNECTIONS_MANY(
      1035,
      WARNING,
      "Nearly as many connections are open as may be",
      "Further ones will be refused, reason connection_limit.",
      "Give the daemon more direct memory, or find who opens them."),
  BUFFERS_MANY(
      1036,
      WARNING,
      "Nearly as many bytes wait for slow readers as may",
      "Readers are slower than writers.",
      "Give the daemon more direct memory, or find the reader."),
  MAP_FULL(
      1037,
      ERROR,
      "A map of the kernel is full",
      "It holds as many entries as it has room for; new ones are lost.",
      "See `node maps dump`; enrol fewer pods per node or write fewer exclusions."),
  MAP_NEARLY_FULL(
      1038,
      WARNING,
      "A map of the kernel is nearly full",
      "More than nine tenths are used.",
      "See `node maps dump`."),
  POD_PENDING(
      1039,
      WARNING,
      "A pod waits for its enrolment",
      "Something stands in the way, as the problem says.",
      "Do what the problem says."),
  POD_NOT_PROTECTED(
      1040,
      ERROR,
      "A pod should be intercepted and is not",
      "The last look found connections that did not reach the proxy.",
      "Read the problem; see whether another mesh or a host firewall changed the pod's rules."),
  POD_REFUSED(
      1041,
      ERROR,
      "All traffic of a pod is refused",
      "It cannot be intercepted as it should, and the mesh fails closed.",
      "Read the problem; restart the pod when it is mended."),
  POD_PROBLEM(
      1042,
      WARNING,
      "Interception of a pod has a problem",
      "The daemon saw something that does not fit.",
      "Read the problem."),
  POD_EARLIER(
      1043,
      WARNING,
      "Connections of a pod are older than its enrolment",
      "They go on unprotected, as --earlier-connections says.",
      "Restart the pod, or start the daemon with --earlier-connections destroy."),
  RETIREMENT(
      1044,
      INFO,
      "The mesh is being taken away",
      "The MeshConfig says so.",
      "Nothing, if that is meant."),
  SEVERAL_NODES(
      1045,
      INFO,
      "Several nodes are attached on this machine",
      "A second daemon runs, or one of another name left its pins.",
      "`node cleanup --node-name NAME` for what is not used."),
  CLOCK_DOUBTED(
      1046,
      WARNING,
      "The daemon does not believe the clock",
      "It is behind what has passed, or far ahead of it without anybody who vouches for it.",
      "Set it and run a time service; until then certificates are judged by the latest moment that"
          + " the daemon knows."),
  FILE_UNREADABLE(
      2001,
      ERROR,
      "A manifest cannot be read",
      "The file is missing, too large, or no text.",
      "Make it readable, or take it out of the folder."),
  MANIFEST_WRONG(
      2002,
      ERROR,
      "A manifest has a mistake",
      "The file is no YAML, a field has the wrong type or value, or nobody knows it.",
      "Mend the field; `validate` names file and line."),
  NO_EFFECT(
      2003,
      ERROR,
      "An object has no effect",
      "What it says cannot be used.",
      "Do what the finding says."),
  IN_PART(
      2004,
      WARNING,
      "A part of an object has no effect",
      "The rest of it is used.",
      "Do what the finding says."),
  NOTE(
      2005,
      INFO,
      "Something about an object is worth knowing",
      "It is used as it is.",
      "Nothing, if that is meant."),
  ROUTE_MISSING(
      2006,
      ERROR,
      "A TrafficTarget names a route that does not exist",
      "The TCPRoute or HTTPRouteGroup is missing, misspelt, or in another namespace.",
      "Create it in the namespace of the TrafficTarget."),
  MATCH_MISSING(
      2007,
      ERROR,
      "A TrafficTarget names a match that cannot be used",
      "The HTTPRouteGroup does not have it, or it is wrong there.",
      "Mend the group, or name another match."),
  TARGET_NAMESPACE(
      2008,
      ERROR,
      "A TrafficTarget is not in the namespace of its destination",
      "SMI wants both to be the same, so it grants nothing.",
      "Move it."),
  NO_SOURCE(
      2009,
      ERROR,
      "A TrafficTarget has no source that can be used",
      "The list is empty, or every entry is wrong.",
      "Name a ServiceAccount with its namespace."),
  END_KIND(
      2010,
      ERROR,
      "An end of a TrafficTarget is of a kind that is not known",
      "A destination is a ServiceAccount; a source one too, or an AuthenticatedPrincipal.",
      "Write one of these."),
  FOREIGN_DOMAIN(
      2011,
      WARNING,
      "A source is of a trust domain whose roots the mesh does not have",
      "Nobody can prove that identity.",
      "Add the domain to federatesWith, or take the source out."),
  SEVERAL_MESHCONFIGS(
      2012,
      ERROR,
      "There are several MeshConfigs",
      "One governs the mesh; which of two is not always known.",
      "Remove all but one."),
  DUPLICATE(
      2013,
      ERROR,
      "An object is there twice",
      "Two files, or two documents, have the same kind, namespace and name.",
      "Remove one."),
  VERSION_UNKNOWN(
      2014,
      ERROR,
      "An object is written in a version that is not read",
      "Its API group is known, the version is not.",
      "Write it in a version that docs/reference/crds.md lists."),
  SPLIT_SERVICE(
      2015,
      ERROR,
      "A TrafficSplit is of a Service that cannot be called",
      "It does not exist, or not in that namespace.",
      "Create the Service, or name another."),
  SPLIT_BACKEND(
      2016,
      ERROR,
      "A backend of a TrafficSplit does not exist",
      "Its share of calls goes nowhere.",
      "Create the Service, or take the backend out."),
  SPLIT_PORTS(
      2017,
      WARNING,
      "A backend of a TrafficSplit lacks ports of its Service",
      "Calls of these ports do not go there.",
      "Give the backend's Service the ports."),
  SPLIT_WEIGHTS(
      2018,
      ERROR,
      "All weights of a TrafficSplit are 0",
      "No backend gets a call, so they are refused.",
      "Give one a weight."),
  SPLIT_GROUP(
      2019,
      ERROR,
      "A TrafficSplit names an HTTPRouteGroup that does not exist",
      "It is missing, or in another namespace.",
      "Create it next to the TrafficSplit."),
  GATEWAY_PARENT(
      2020,
      ERROR,
      "A route names a Service or port that is not there",
      "It concerns calls of nothing.",
      "Mend spec.parentRefs."),
  GATEWAY_FILTER(
      2021,
      ERROR,
      "A filter of a route cannot be used",
      "Requests of its rule are answered 500.",
      "Leave the filter out, or write it as docs/policy.md says."),
  WORD_UNKNOWN(
      2022,
      WARNING,
      "An annotation or field has a word that means nothing",
      "The safe value holds instead.",
      "Write one of the words that are named."),
  SLICE_ALONE(
      2023,
      WARNING,
      "An EndpointSlice belongs to no Service",
      "The label kubernetes.io/service-name is missing.",
      "Add the label."),
  POD_NO_ADDRESS(
      2024,
      WARNING,
      "A pod has no address",
      "It is not started, or a manifest leaves status.podIPs out.",
      "Wait, or write the addresses."),
  POD_HOST_NETWORK(
      2025,
      WARNING,
      "A pod is labelled and cannot be enrolled",
      "It shares the node's network, or its namespace is kept out.",
      "Take the label away, or hostNetwork."),
  POD_NO_ACCOUNT(
      2026,
      WARNING,
      "A pod has no service account",
      "Static pods have none, so policy grants them nothing.",
      "Run it as an ordinary pod, or keep it out."),
  CLAIMED_TWICE(
      2027,
      ERROR,
      "Two objects claim what only one can have",
      "The same address, UID or network namespace is written in both.",
      "Give each its own."),
  NOT_ENFORCED(
      2028,
      WARNING,
      "A field is read and not enforced yet",
      "The mesh does not do this.",
      "Do not rely on it."),
  DENIES_OWN(
      2029,
      WARNING,
      "A denial would hit the mesh itself",
      "An entry of the deny list means the own processes.",
      "Deny by serial number instead."),
  SERVICE_EXTERNAL(
      2030,
      INFO,
      "A Service of type ExternalName is not followed",
      "It has no endpoints in the mesh.",
      "Call its target by name."),
  ACCOUNT_MISSING(
      2031,
      WARNING,
      "A TrafficTarget's destination runs nowhere",
      "No Pod has the service account, so it can never match.",
      "Check name and namespace of the account."),
  SOURCE_MISSING(
      2032,
      WARNING,
      "A TrafficTarget's source runs nowhere",
      "No Pod has the service account, so the grant is used by nobody.",
      "Check name and namespace of the account."),
  SOURCE_NAMESPACE(
      2033,
      WARNING,
      "A TrafficTarget's source is in a namespace that does not exist",
      "It was misspelt, or the namespace was removed.",
      "Mend the namespace."),
  TARGET_PORT(
      2034,
      WARNING,
      "A TrafficTarget grants ports that nothing serves",
      "Neither a container's port nor a Service's target has the number. Policy means the pod's ports, not the Service's.",
      "Write the target port into the TCPRoute."),
  TARGET_OUTSIDE(
      2035,
      WARNING,
      "A TrafficTarget's destination is not in the mesh",
      "No Pod of the account is enrolled, so nothing is enforced there.",
      "Enrol the pods, or remove the TrafficTarget."),
  TARGET_SAME(
      2036,
      INFO,
      "Two TrafficTargets grant the same",
      "Taking one away changes nothing.",
      "Remove one."),
  DEFAULT_ACCOUNT(
      2037,
      INFO,
      "A TrafficTarget means the account default",
      "Every Pod that names no account has it.",
      "Give the workload an account of its own."),
  HTTP_ON_BYTES(
      2038,
      WARNING,
      "Requests are granted on a port that is carried as bytes",
      "The Service declares the port tcp or tls, so connections are reset, reason http_only.",
      "Declare the port http, or grant it by a TCPRoute."),
  SERVICE_EMPTY(
      2039,
      WARNING,
      "A Service selects no pod",
      "No Pod of the namespace has its labels, and no EndpointSlice names endpoints.",
      "Mend selector or labels."),
  SERVICE_UNREADY(
      2040,
      WARNING,
      "A Service has no endpoint that is ready",
      "Pods are there, and none says that it is ready.",
      "See the pods' readiness probes."),
  PORT_UNDECLARED(
      2041,
      INFO,
      "A Service's port does not say its protocol",
      "Neither appProtocol nor the port's name has a word for it; what the first bytes are decides.",
      "Write appProtocol, or name the port http-… or tcp-…."),
  PORT_NAME(
      2042,
      WARNING,
      "A Service leads to a port name that no container has",
      "None of the pods that it selects names a port so.",
      "Name the container's port, or write its number."),
  EXCLUDES_HBONE(
      2043,
      WARNING,
      "The mesh's own port is excluded",
      "Inbound exclusion of 15008 takes mutual TLS of other nodes to the application.",
      "Take 15008 out of the list."),
  EXCLUSION_CONTRADICTS(
      2044,
      WARNING,
      "A range is included and excluded",
      "The exclusion goes before, so the inclusion has no effect.",
      "Take one out."),
  EXCLUSION_POLICY(
      2045,
      WARNING,
      "A port is excluded for which policy is written",
      "Excluded ports are called by whoever wants.",
      "Take the port out of the exclusion, or the TrafficTarget away."),
  EXCLUDES_ALL(
      2046,
      WARNING,
      "All outbound traffic is excluded",
      "A range of length 0 leaves everything alone.",
      "Name the ranges that are meant."),
  NO_MESHCONFIG(
      2047,
      INFO,
      "There is no MeshConfig",
      "The closed defaults hold: nothing that is not granted, no egress.",
      "Write one, if something else is meant."),
  PERMISSIVE(
      2048,
      INFO,
      "Traffic needs no TrafficTarget",
      "enablePermissiveTrafficPolicyMode is true.",
      "Set it to false when the TrafficTargets are written."),
  TARGETS_UNUSED(
      2049,
      INFO,
      "TrafficTargets are written and not asked",
      "The mesh is permissive.",
      "Set enablePermissiveTrafficPolicyMode to false for them to count."),
  MTLS_OFF(
      2050,
      WARNING,
      "Mutual TLS is off",
      "sidecarDisabledMTLS is true: nobody proves who he is to other nodes.",
      "Remove it."),
  NOBODY_ENROLLED(
      2051,
      INFO,
      "No pod is in the mesh",
      "No namespace or pod is labelled.",
      "`namespace add NAME`."),
  NOBODY_MAY_CALL(
      2052,
      INFO,
      "Nobody may call an account",
      "The mesh is not permissive, and no TrafficTarget has it for a destination.",
      "Write one, if it should be called."),
  SEEN_NO_TARGET(
      2053,
      INFO,
      "Calls were refused for want of a TrafficTarget",
      "Policy does not grant them.",
      "`node events` names the ends; write a TrafficTarget if they should be allowed."),
  SEEN_PROTOCOL(
      2054,
      WARNING,
      "Calls spoke another protocol than the Service declares",
      "Reason protocol_mismatch.",
      "Declare what it speaks by appProtocol or the port's name."),
  SEEN_UPSTREAM(
      2055,
      WARNING,
      "Applications refused connections",
      "Nothing listens at the port, or only on 127.0.0.1 while no Service leads there.",
      "Make a Service lead there, or let it listen on the pod's address."),
  SEEN_DNS(
      2056,
      WARNING,
      "Pods asked name servers that are none of theirs",
      "Reason dns_refused.",
      "Name the server in dnsResolvers."),
  SEEN_EGRESS(
      2057,
      INFO,
      "Calls out of the mesh were refused",
      "enableEgress is false.",
      "Exclude the range, or set enableEgress."),
  SEEN_PLAINTEXT(
      2058,
      INFO,
      "Plaintext of unproven sources was refused",
      "mtlsMode is STRICT.",
      "Enrol the caller, or set PERMISSIVE where it is called from outside."),
  SEEN_METADATA(
      2059,
      INFO,
      "Pods asked their cloud for credentials",
      "metadataMode refuses that.",
      "ALLOW it for the pod that should."),
  SEEN_HTTP_ONLY(
      2060,
      WARNING,
      "Connections were reset because only requests are granted",
      "They are carried as bytes.",
      "Declare the port http, or grant it by a TCPRoute."),
  LEAF_EXPIRED(
      3001,
      ERROR,
      "A certificate has expired",
      "It could not be renewed in time.",
      "See whether the controller is reached, and the clock."),
  LEAF_LATE(
      3002,
      WARNING,
      "A certificate should have been renewed",
      "Its time to renew has passed, and requests fail.",
      "See whether the controller is reached."),
  LEAF_EARLY(
      3003,
      ERROR,
      "A certificate is not valid yet",
      "The clocks of node and controller differ.",
      "Set the clock."),
  LEAF_MISSING(
      3004,
      ERROR,
      "An identity has no certificate",
      "The controller refuses it, or was not reached.",
      "Read the problem; `control status` says what was refused."),
  LEAF_DOMAIN(
      3005,
      ERROR,
      "A certificate is of another trust domain than the node's mesh",
      "The trust domain was changed, and this one was not reissued.",
      "Wait for the change to end; see `control status`."),
  NODE_NOT_ADMITTED(
      3006,
      ERROR,
      "The node has no certificate of its own",
      "Its join token was used, has expired, or is for another name.",
      "Make a new one with `control token`, and put it where --join-token says."),
  NODE_EXPIRED(
      3007,
      ERROR,
      "The node's own certificate has expired",
      "It was without its controller for too long.",
      "Give it a new join token, or reach the controller."),
  CONTROLLER_LOST(
      3008,
      WARNING,
      "The controller is not reached",
      "It is down, or something stands between.",
      "See the controller, its address and port 15012."),
  IDENTITY_FAILS(
      3009,
      ERROR,
      "Requests for certificates fail",
      "The controller refuses them, or cannot be reached.",
      "Read the failure."),
  BUNDLE_REFUSED(
      3010,
      ERROR,
      "New roots were not taken",
      "They do not follow from those that are believed.",
      "Read the problem; do not replace roots by hand."),
  KEYS_NOT_KEPT(
      3011,
      WARNING,
      "Keys cannot be kept on the disk",
      "The state folder does not take them.",
      "See to the disk."),
  NO_IDENTITY(
      3012,
      INFO,
      "The node has no controller and no certificates",
      "It runs on a folder alone, without mutual TLS.",
      "Start it with --standalone or --control."),
  DOMAIN_DIFFERS(
      3013,
      ERROR,
      "Node and MeshConfig are of different trust domains",
      "The node joined another mesh, or the change has not reached it.",
      "See `control status` for how far a change is."),
  ROOT_EXPIRED(
      3014,
      ERROR,
      "A root has expired",
      "It was not replaced in time; no certificate below it is believed.",
      "Rotate the root with `control rotate-root`."),
  ROOT_SOON(
      3015,
      WARNING,
      "A root ends within 30 days",
      "Nothing has replaced it yet.",
      "Rotate the root with `control rotate-root`."),
  ROOT_EARLY(
      3016,
      ERROR,
      "A root is not valid yet",
      "The clock of who made it, or of this node, is wrong.",
      "Set the clock."),
  ROOT_NO_CA(
      3017,
      ERROR,
      "A root may not sign",
      "It is a leaf, without the CA constraint.",
      "Put the root there, not a leaf."),
  ROOT_WEAK(
      3018,
      ERROR,
      "A root has a weak key",
      "RSA below 2048 bits can be broken.",
      "Make a new root."),
  ROOTS_UNREADABLE(
      3019,
      ERROR,
      "Roots cannot be read",
      "The file or ConfigMap holds no certificate in PEM.",
      "Write PEM certificates there."),
  ROOT_KEY(
      3020,
      ERROR,
      "A private key stands among roots",
      "Roots are read by every node.",
      "Take the key out of use, and the root with it."),
  AUTHORITY_FAILS(
      3021,
      ERROR,
      "The certificate authority does not work",
      "The controller says why.",
      "Do what the detail says."),
  CONTROLLER_CERTIFICATE(
      3022,
      ERROR,
      "The controller's own certificate has ended",
      "It could not renew it.",
      "Restart the controller, and see its log."),
  ROTATION(
      3023,
      INFO,
      "A change of the root is under way",
      "Somebody asked for it, or the root's time came.",
      "Nothing; wait until it has ended before another."),
  CONTROLLER_SILENT(
      4001, ERROR, "No controller answers", "It has ended, or hangs.", "Start it; see its log."),
  REGISTRY_INCOMPLETE(
      4002,
      WARNING,
      "The controller does not see all objects",
      "A kind cannot be read, or it has only begun.",
      "See its log for what it may not read."),
  CALLS_REFUSED(
      4003, INFO, "The controller refused calls", "The reason is named.", "See `control status`."),
  NODE_GONE(
      4004,
      WARNING,
      "A node does not follow the controller",
      "It is down, or cut off.",
      "See the node."),
  NODE_REFUSES(
      4005,
      ERROR,
      "A node refuses what it is told",
      "It is older than the controller, or an object cannot be used.",
      "Read the problem."),
  NODE_VERSION(
      4006,
      WARNING,
      "A node runs another version than this program",
      "An update is under way, or was forgotten.",
      "Update the nodes; one version apart is supported."),
  NODE_BEHIND(
      4007,
      WARNING,
      "A node has not acknowledged the newest revision",
      "It is slow, or hangs.",
      "Look again; then see the node's log."),
  NOT_DISTRIBUTED(
      4008,
      ERROR,
      "An object cannot be told to nodes",
      "It is too large, or cannot be encoded.",
      "Read which and why."),
  LEASE_NOBODY(
      4009,
      WARNING,
      "No replica may write",
      "Nobody holds the Lease.",
      "See the controller's rights on Leases."),
  REPLICA_PROBLEM(
      4010,
      WARNING,
      "A replica cannot do its work for the cluster",
      "Mostly a right is missing.",
      "Apply the chart's roles."),
  SNAPSHOT_OLD(
      4011,
      WARNING,
      "What the node enforces was confirmed long ago",
      "It does not follow the controller.",
      "Reach the controller; what is in force stays in force."),
  SNAPSHOT_NONE(
      4012,
      ERROR,
      "The node knows no mesh yet",
      "It has none on its disk and has not reached the controller.",
      "See to the controller and the way to it."),
  SNAPSHOT_STORE(
      4013,
      WARNING,
      "The snapshot on the disk cannot be used or written",
      "It is torn, of another mesh, or the disk is full.",
      "See to the disk, and who wrote the file."),
  CHANGE_REFUSED(
      4014,
      ERROR,
      "The node could not use a change",
      "Part of the last change is not in force.",
      "Read what it refused."),
  SNAPSHOT_PROBLEM(
      4015,
      ERROR,
      "Nothing newer reaches the node",
      "The controller cannot be followed.",
      "Read the problem."),
  SNAPSHOT_PART(
      4016,
      WARNING,
      "The node does not know the whole mesh",
      "Its source could not read everything.",
      "See the registry's problems, or the controller's."),
  API_SILENT(
      4017,
      ERROR,
      "The API server is not reached",
      "Address, rights or network are wrong.",
      "Check --kubeconfig and --context."),
  KUBERNETES_OLD(
      4018,
      WARNING,
      "The cluster is older than any that was tried",
      "Kubernetes below 1.25 lacks APIs that are read.",
      "Update it."),
  CRD_MISSING(
      4019,
      ERROR,
      "A definition of the mesh's objects is missing",
      "The chart was installed without its CRDs, or somebody removed them.",
      "`install`, or apply the chart's crds folder."),
  CONTROLLER_UNREADY(
      4020,
      ERROR,
      "The controller is not ready in the cluster",
      "Its pods do not run, or are not ready.",
      "See the pods' events."),
  DAEMONS_UNREADY(
      4021,
      ERROR,
      "Nodes lack a daemon that is ready",
      "Its pods do not run there.",
      "See the pods' events on the node."),
  MESH_ABSENT(
      4022,
      INFO,
      "No mesh is installed in the cluster",
      "There is neither a controller nor a DaemonSet of Sluice.",
      "`install`."),
  MESH_TWICE(
      4023,
      WARNING,
      "Two meshes are installed in the cluster",
      "Two controllers would enrol the same pods.",
      "Uninstall one."),
  POD_WAITS(
      4024,
      ERROR,
      "A container of the mesh does not run",
      "Its image cannot be pulled, or it ends again and again.",
      "See its log and events."),
  WEBHOOK_SERVICE(
      4025,
      ERROR,
      "A webhook calls a Service that does not exist",
      "It was left behind by something that is gone; with failurePolicy Fail it stops writes.",
      "Remove the configuration, or install the Service again."),
  WEBHOOK_UNREACHED(
      4026,
      ERROR,
      "A webhook's Service has no endpoint that is ready",
      "Its pods are down.",
      "See its pods."),
  WEBHOOK_CA(
      4027,
      ERROR,
      "A webhook's certificate authority has expired or cannot be read",
      "caBundle was not renewed.",
      "Let its owner renew it."),
  RIGHT_MISSING(
      4028,
      ERROR,
      "A right that installing needs is missing",
      "Whose credentials these are may not do it.",
      "Use those of an administrator."),
  BINDING_DANGLES(
      4029,
      WARNING,
      "A binding names a service account that does not exist",
      "Rights lead to nobody, or the account was removed.",
      "Apply the chart again."),
  NODE_UNREADY(
      4030,
      WARNING,
      "A node of the cluster is not ready",
      "The kubelet says so, or is silent.",
      "See the node."),
  NODE_PRESSURE(
      4031,
      WARNING,
      "A node of the cluster is under pressure",
      "It lacks memory, disk or process ids.",
      "Make room there."),
  NODE_KERNEL(
      4032,
      WARNING,
      "A node of the cluster has an old kernel",
      "It is before 5.10.",
      "Update it, or use --mode iptables there."),
  NODE_PLATFORM(
      4033,
      INFO,
      "A node of the cluster cannot run the daemon",
      "It is not Linux on amd64 or arm64.",
      "Keep it out with nodeSelector."),
  POD_SECURITY(
      4034,
      ERROR,
      "Pod security forbids the node daemon",
      "Its namespace enforces baseline or restricted, and the daemon has capabilities.",
      "Label the namespace pod-security.kubernetes.io/enforce: privileged."),
  NETWORK_POLICY(
      4035,
      WARNING,
      "A NetworkPolicy may keep the mesh's port from enrolled pods",
      "It restricts ingress by port and does not name 15008.",
      "Add port 15008 from nodes and pods."),
  SIDECAR(
      4036,
      WARNING,
      "An enrolled pod has a sidecar of another mesh",
      "Both intercept the same traffic.",
      "Restart the pod without injection of the other mesh."),
  INJECTION_LABEL(
      4037,
      WARNING,
      "A namespace is enrolled in two meshes",
      "It has a label of another mesh too.",
      "Remove one of the labels."),
  OTHER_MESH(
      4038,
      INFO,
      "Another mesh is defined in the cluster",
      "Its definitions are there.",
      "Nothing, while no namespace is in both."),
  CLUSTER_CLOCK(
      4039,
      ERROR,
      "The clock differs from the cluster's",
      "Leases of kubelets are newer or older than this clock allows.",
      "Synchronise the clocks."),
  NO_CLUSTER_DNS(
      4040,
      WARNING,
      "The cluster has no DNS service",
      "No Service with the label k8s-app: kube-dns is there; pods may resolve nothing.",
      "Install CoreDNS, or name resolvers with dnsResolvers."),
  CNI_NO_NETWORK(
      5001,
      INFO,
      "No network is configured for pods",
      "There is no CNI configuration on this node.",
      "Install a network plugin before pods are enrolled by CNI."),
  CNI_INVALID(
      5002,
      ERROR,
      "The primary CNI configuration cannot be used",
      "It is no JSON, has no name, or its version cannot be chained.",
      "Mend the file that is named."),
  CNI_SHADOWED(
      5003,
      ERROR,
      "Another file goes before the mesh's CNI configuration",
      "The runtime takes the first by name, so pods start outside the mesh.",
      "Rename that file."),
  CNI_ORPHANED(
      5004,
      WARNING,
      "The mesh's CNI configuration is left without its primary",
      "The network plugin was removed.",
      "Install a network, or `node cni uninstall`."),
  CNI_OUTDATED(
      5005,
      WARNING,
      "The mesh's CNI configuration is not as it should be",
      "It was changed by hand, or its daemon does not run.",
      "Start the daemon with --cni."),
  CNI_BINARY(
      5006,
      ERROR,
      "The CNI plugin is missing",
      "The configuration names it, and the runtime does not find it: no pod can start.",
      "Start the daemon with --cni; or `node cni uninstall`."),
  CNI_PROBLEM(
      5007,
      WARNING,
      "The CNI installation has a problem",
      "Another plugin or the runtime's settings do not fit.",
      "Read the problem."),
  FOREIGN_CNI(
      5008,
      WARNING,
      "A CNI configuration has a plugin of another mesh",
      "It would set up interception of its own in each pod.",
      "Uninstall that mesh's CNI plugin."),
  FOREIGN_RULES(
      5009,
      WARNING,
      "Rules of another mesh are in the node's iptables",
      "It runs here, or was not removed whole.",
      "Uninstall it; restart pods that it touched."),
  FOREIGN_PROXY(
      5010,
      WARNING,
      "A proxy of another mesh runs on this node",
      "Its process was seen.",
      "Uninstall it, or keep its pods out of this mesh."),
  PORT_METRICS(
      5011,
      ERROR,
      "The port of metrics and health is taken",
      "Another process listens on 15020.",
      "End it, or give --metrics-address."),
  PORT_CONTROL(
      5012,
      WARNING,
      "The controller's port is taken by something else",
      "No controller of this machine is known, and port 15012 has a listener.",
      "End it, if a controller is to run here."),
  PORT_HBONE(
      5013,
      WARNING,
      "Something listens on 15008 of the node",
      "A proxy of another mesh does so.",
      "See who it is; pods with hostNetwork are called there."),
  MTU_SMALL(
      5014,
      WARNING,
      "An interface has a small MTU",
      "Below 1280 IPv6 does not work, and connections slow down.",
      "Raise it."),
  MTU_DIFFERS(
      5015,
      WARNING,
      "Pods' interfaces have a larger MTU than the way out",
      "Large packets are cut or dropped between nodes.",
      "Set the network plugin's MTU to that of the uplink, less its own header."),
  NO_RESOLVER(
      5016, WARNING, "The node names no name server", "/etc/resolv.conf has none.", "Write one."),
  MANY_RESOLVERS(
      5017,
      INFO,
      "The node names more than three name servers",
      "Resolvers use the first three.",
      "Remove some."),
  RESOLVER_FAILS(
      5018,
      WARNING,
      "The node's name servers do not answer",
      "None of them answered within the time.",
      "See /etc/resolv.conf and the network."),
  NO_ROUTE(
      5019,
      INFO,
      "The node has no default route",
      "It reaches its own networks alone.",
      "Nothing, if that is meant."),
  NO_FORWARDING(
      5020,
      ERROR,
      "The node does not forward packets",
      "net.ipv4.ip_forward is 0, and pods have a network.",
      "Set it to 1."),
  CONNTRACK_FULL(
      5021,
      ERROR,
      "The table of connections is full",
      "The kernel drops packets of new ones.",
      "Raise net.netfilter.nf_conntrack_max."),
  CONNTRACK_HIGH(
      5022,
      WARNING,
      "The table of connections is nearly full",
      "More than eight tenths are used.",
      "Raise net.netfilter.nf_conntrack_max."),
  LOOPBACK_DOWN(
      5023,
      ERROR,
      "The loopback interface is down",
      "Local connections fail, those of the daemon to its clients too.",
      "ip link set lo up."),
  NO_IPV6(
      5024,
      INFO,
      "IPv6 is off on this node",
      "It is disabled in the kernel.",
      "Nothing, if that is meant.");

  private final int number;
  private final Severity severity;
  private final String title;
  private final String cause;
  private final String mend;

  Code(int number, Severity severity, String title, String cause, String mend) {
    this.number = number;
    this.severity = severity;
    this.title = title;
    this.cause = cause;
    this.mend = mend;
  }

  /** As printed, such as {@code SLU1001}. */
  public String label() {
    return "SLU" + number;
  }

  /** How bad it is. */
  public Severity severity() {
    return severity;
  }

  /** In one sentence. */
  public String title() {
    return title;
  }

  /** Where it comes from. */
  public String cause() {
    return cause;
  }

  /** What to do. */
  public String mend() {
    return mend;
  }

  /** Which page it is on. */
  public Group group() {
    return Group.values()[number / 1000 - 1];
  }

  /** That of this label, whatever its letter case. */
  static Optional<Code> of(String label) {
    for (Code each : values()) {
      if (each.label().equalsIgnoreCase(label)) {
        return Optional.of(each);
      }
    }
    return Optional.empty();
  }

  /** Pages of the catalogue, in order of the first digit. */
  public enum Group {
    NODE("node", "Node and kernel"),
    POLICY("policy", "Policy and objects"),
    IDENTITY("identity", "Certificates and identity"),
    CONTROL("control", "Controller and cluster"),
    NETWORK("network", "CNI and network");

    private final String page;
    private final String title;

    Group(String page, String title) {
      this.page = page;
      this.title = title;
    }

    /** Name of its file, without suffix. */
    public String page() {
      return page;
    }

    /** Heading. */
    public String title() {
      return title;
    }
  }
}
