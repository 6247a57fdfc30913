package io.sluice.diagnosis;

import io.sluice.bpf.InterceptionProgram;
import io.sluice.diagnosis.Fault.Act;
import io.sluice.interception.maps.PinDirectory;
import io.sluice.interception.maps.PortRuleKey;
import io.sluice.lab.site.FaultyProgram;
import io.sluice.linux.bpf.BpfMap;
import io.sluice.linux.bpf.BpfMapFd;
import io.sluice.linux.bpf.MapCodec;
import io.sluice.mesh.decision.Direction;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Faults of a node and its kernel. */
final class NodeFaults {
  /** Network namespaces count from 1; the kernel has not come so far. */
  private static final long NOBODY = 1L << 40;

  private static final Duration SINCE_1970 = Duration.ofDays(56 * 365L);

  private final List<Fault> all = new ArrayList<>();

  private NodeFaults() {}

  static List<Fault> all() {
    NodeFaults faults = new NodeFaults();
    faults.mounts();
    faults.powers();
    faults.folder();
    faults.numbers();
    faults.maps();
    faults.daemon();
    return faults.all;
  }

  private void commands(String what, String code, String object, String break_, String mend) {
    all.add(
        Fault.seen(
            what,
            "`" + break_ + "`",
            code,
            object,
            bay -> bay.machine.run(filled(bay, break_)),
            bay -> bay.machine.run(filled(bay, mend))));
  }

  private static String filled(SickBay bay, String command) {
    return command
        .replace("STATE", bay.site.state().toString())
        .replace("PID", Long.toString(bay.daemon().isAlive() ? bay.daemon().pid() : 0));
  }

  private void mounts() {
    commands(
        "bpffs is mounted read-only",
        "SLU1010",
        "/sys/fs/bpf",
        "mount -o remount,bind,ro /sys/fs/bpf",
        "mount -o remount,bind,rw /sys/fs/bpf");
    commands(
        "The kernel's types are hidden",
        "SLU1007",
        "kernel",
        "mount -t tmpfs none /sys/kernel/btf",
        "umount /sys/kernel/btf");
    commands(
        "/proc hides processes",
        "SLU1027",
        "/proc",
        "mount -t proc -o hidepid=2 proc /proc",
        "umount /proc");
    all.add(
        Fault.seen(
            "bpffs is not mounted",
            "`umount -l /sys/fs/bpf`",
            "SLU1009",
            "/sys/fs/bpf",
            bay -> bay.machine.run("umount -l /sys/fs/bpf"),
            bay -> {
              bay.daemon().kill();
              bay.machine.run("mount -t bpf -o mode=700 bpf /sys/fs/bpf");
              bay.restart();
            }));
    behind(
        "There is no cgroup v2",
        "`umount -lR /sys/fs/cgroup` where `check` runs",
        "SLU1008",
        "cgroups",
        "unshare --mount sh -c 'umount -lR /sys/fs/cgroup; exec \"$@\"' -");
  }

  private void powers() {
    behind(
        "A capability is missing",
        "`setpriv --bounding-set=-net_admin` where `check` runs",
        "SLU1012",
        "CAP_NET_ADMIN",
        "setpriv --bounding-set=-net_admin");
    all.add(
        Fault.seen(
                "The kernel refuses a program",
                "its verifier is given one that reads what was never written",
                "SLU1004",
                "ebpf trial inbound",
                bay -> {},
                bay -> {})
            .asked(bay ->
                bay.checkBehind(
                    String.join(
                        " ", FaultyProgram.launcher(bay.home, InterceptionProgram.SK_LOOKUP)))));
    clock("The clock stands at 1970", "SLU1015", "clock", SINCE_1970.negated());
  }

  private void behind(String what, String way, String code, String object, String launcher) {
    Act nothing = bay -> {};
    all.add(
        Fault.seen(what, way, code, object, nothing, nothing)
            .asked(bay -> bay.checkBehind(launcher)));
  }

  private void clock(String what, String code, String object, Duration ahead) {
    all.add(
        Fault.seen(
            what,
            "the clock is set, of daemon and `check`",
            code,
            object,
            bay -> bay.clock.set(ahead),
            SickBay::setClockRight));
  }

  private void folder() {
    commands(
        "The disk of the state folder is full",
        "SLU1019",
        "state",
        "mount -t tmpfs -o size=128k,mode=700 none STATE",
        "umount STATE");
    commands(
        "The state folder cannot be written",
        "SLU1021",
        "state",
        "mount --bind STATE STATE; mount -o remount,bind,ro STATE",
        "umount STATE");
    commands(
        "Others may write to the state folder",
        "SLU1022",
        "state",
        "chmod 777 STATE",
        "chmod 700 STATE");
    commands(
        "The state folder belongs to another user",
        "SLU1023",
        "state",
        "chown 65534 STATE",
        "chown 0 STATE");
  }

  private void numbers() {
    commands(
        "The daemon may open few files",
        "SLU1026",
        "process",
        "prlimit --pid PID --nofile=1024:",
        "prlimit --pid PID --nofile=\"$(awk '/open files/ {print $5}' /proc/PID/limits)\":");
    range("The mesh's ports may be given to anybody", "SLU1028", "port 15012", "15000 60999");
    range("There are few local ports", "SLU1029", "ip_local_port_range", "40000 41000");
  }

  private void range(String what, String code, String object, String range) {
    commands(
        what,
        code,
        object,
        "sysctl -qw net.ipv4.ip_local_port_range='" + range + "'",
        "sysctl -qw net.ipv4.ip_local_port_range='32768 60999'");
  }

  private void maps() {
    all.add(
        Fault.seen(
            "A map of the kernel is full",
            "entries are written until it takes no more",
            "SLU1037",
            "port_rules",
            bay -> rules(bay, NodeFaults::fill),
            bay -> rules(bay, NodeFaults::empty)));
    all.add(
        new Fault(
            "An entry of a map of the kernel is gone",
            "it is deleted",
            "traffic_target",
            "map port_rules",
            bay -> bay.why("shop/buyer", "shop/store:80", "GET", "/books"),
            bay -> rules(bay, map -> map.remove(excluded(bay))),
            bay -> rules(bay, map -> map.put(excluded(bay), 1))));
  }

  private interface Use {
    void of(BpfMap<PortRuleKey, Integer> map);
  }

  private static void rules(SickBay bay, Use use) {
    Path pin = bay.pins(PinDirectory.ofNode(bay.site.prefix()).map("port_rules"));
    try (BpfMapFd map = BpfMapFd.openPinned(pin)) {
      use.of(new BpfMap<>(map, PortRuleKey.CODEC, MapCodec.u32()));
    }
  }

  private static PortRuleKey excluded(SickBay bay) {
    return new PortRuleKey(bay.pod("buyer").cookie(), 9999, Direction.OUTBOUND);
  }

  private static void fill(BpfMap<PortRuleKey, Integer> map) {
    try {
      for (int i = 0; i < 1 << 20; i++) {
        map.put(stranger(i), 1);
      }
    } catch (RuntimeException e) {
      return; // it is full
    }
    throw new IllegalStateException("the map takes everything");
  }

  private static void empty(BpfMap<PortRuleKey, Integer> map) {
    for (int i = 0; map.remove(stranger(i)); i++) {
      continue;
    }
  }

  private static PortRuleKey stranger(int number) {
    return new PortRuleKey(NOBODY + number / 60_000, 1 + number % 60_000, Direction.INBOUND);
  }

  private void daemon() {
    Act start = SickBay::restart;
    all.add(
        Fault.seen(
            "The daemon has died",
            "SIGKILL",
            "SLU1031",
            "daemon",
            bay -> bay.daemon().kill(),
            start));
    commands("The daemon hangs", "SLU1031", "daemon", "kill -STOP PID", "kill -CONT PID");
    all.add(
        Fault.seen(
            "A pod's network namespace is not to be found",
            "a Pod is written that names one that is not there",
            "SLU1039",
            "Pod shop/lost",
            bay ->
                bay.cluster
                    .registry()
                    .write(
                        "more",
                        bay.healthy("buyer")
                            .replace("name: buyer, ", "name: lost, ")
                            .replace(bay.pod("buyer").netns(), "no-such-namespace")
                            .replaceAll("podIPs: .*", "podIPs: [{ip: 10.77.0.99}]")),
            bay -> bay.restore("more")));
  }
}
