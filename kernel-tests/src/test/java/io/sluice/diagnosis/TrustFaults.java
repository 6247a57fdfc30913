package io.sluice.diagnosis;

import io.sluice.diagnosis.Fault.Act;
import io.sluice.lab.site.Commands;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Faults of certificates and of the controller. */
final class TrustFaults {
  private static final String BUNDLE = "trust-bundle.pem";

  private final List<Fault> all = new ArrayList<>();

  private TrustFaults() {}

  static List<Fault> all() {
    TrustFaults faults = new TrustFaults();
    faults.controller();
    faults.clocks();
    faults.roots();
    faults.identities();
    return faults.all;
  }

  private void controller() {
    Act start = bay -> bay.cluster.control().start();
    all.add(
        Fault.seen(
            "The controller has died",
            "SIGKILL",
            "SLU4001",
            "controller",
            bay -> bay.cluster.control().kill(),
            start));
    all.add(
        Fault.seen(
            "The controller hangs",
            "SIGSTOP",
            "SLU4001",
            "controller",
            bay -> bay.cluster.control().pause(),
            bay -> bay.cluster.control().resume()));
    all.add(
        Fault.seen(
            "The daemon of another node has died",
            "SIGKILL",
            "SLU4004",
            "node",
            bay -> bay.other.daemon().kill(),
            bay -> bay.other.daemon().start()));
    String rule = "INPUT -p tcp --dport 15012 -j REJECT --reject-with tcp-reset";
    all.add(
        Fault.seen(
            "A firewall is between node and controller",
            "`ip6tables -A INPUT --dport 15012 -j REJECT` there, and the connection is ended",
            "SLU3008",
            "node",
            bay -> {
              onControl(bay, "ip6tables-nft -A " + rule);
              bay.machine.run("ss -K dport = :15012");
            },
            bay -> onControl(bay, "ip6tables-nft -D " + rule)));
    all.add(
        Fault.seen(
            "Another controller answers, with an authority of its own",
            "it is started with an empty folder",
            "SLU1032",
            "node",
            bay -> anew(bay, bay.home.resolve("kept"), bay.control),
            bay -> back(bay, bay.home.resolve("kept"), bay.control)));
  }

  private static void anew(SickBay bay, Path kept, Path state) throws Exception {
    bay.cluster.control().kill();
    Files.move(state, kept);
    bay.cluster.control().start();
  }

  private static void back(SickBay bay, Path kept, Path state) throws Exception {
    bay.cluster.control().kill();
    bay.cluster.control().loseState();
    Files.move(kept, state);
    bay.cluster.control().start();
    bay.restart();
  }

  private static void onControl(SickBay bay, String command) {
    Commands.run(
        ("nsenter --net=" + bay.cluster.controlMachine().path() + " -- " + command).split(" "));
  }

  private void clocks() {
    clock("Certificates have expired", "SLU3001", "/sa/store", Duration.ofDays(2), false);
    clock("Certificates are not valid yet", "SLU3003", "/sa/store", Duration.ofDays(-2), false);
    clock(
        "Certificates were not renewed in time",
        "SLU3002",
        "/sa/store",
        Duration.ofHours(20),
        true);
  }

  private void clock(
      String what, String code, String object, Duration ahead, boolean withoutController) {
    all.add(
        Fault.seen(
            what,
            withoutController
                ? "the controller is killed, and the node's clock is set 20 hours forward"
                : "the node's clock is set two days " + (ahead.isNegative() ? "back" : "forward"),
            code,
            object,
            bay -> {
              if (withoutController) {
                bay.cluster.control().kill();
              }
              bay.clock.set(ahead);
            },
            bay -> {
              if (withoutController) {
                bay.cluster.control().start();
              }
              bay.setClockRight();
            }));
  }

  private void roots() {
    bundle("A root has expired", "SLU3014", Duration.ofDays(-10), "CA:TRUE");
    bundle("A root may not sign", "SLU3017", Duration.ZERO, "CA:FALSE");
    all.add(
        Fault.seen(
            "The file of the roots is torn",
            "its first line is left",
            "SLU3019",
            BUNDLE,
            bay -> replace(bay, Files.readAllLines(bay.control.resolve(BUNDLE)).getFirst()),
            TrustFaults::restore));
  }

  private void bundle(String what, String code, Duration ahead, String constraint) {
    all.add(
        Fault.seen(
            what,
            "openssl makes it",
            code,
            BUNDLE,
            bay -> replace(bay, made(bay, ahead, constraint)),
            TrustFaults::restore));
  }

  private static String made(SickBay bay, Duration ahead, String constraint) {
    return bay.machine.run(
        "env "
            + bay.clock.environment(ahead)
            + " openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 5 -subj /CN=root -keyout "
            + bay.home.resolve("root.key")
            + " -addext basicConstraints=critical,"
            + constraint
            + " -config /dev/null 2>/dev/null");
  }

  private static void replace(SickBay bay, String text) throws Exception {
    Files.copy(bay.control.resolve(BUNDLE), bay.home.resolve(BUNDLE));
    Files.writeString(bay.control.resolve(BUNDLE), text);
  }

  private static void restore(SickBay bay) throws Exception {
    Files.writeString(bay.control.resolve(BUNDLE), Files.readString(bay.home.resolve(BUNDLE)));
    Files.delete(bay.home.resolve(BUNDLE));
  }

  private void identities() {
    all.add(
        Fault.seen(
            "The MeshConfig is of another trust domain than its nodes",
            "`trustDomain: other.example` is written where the controller has ended",
            "SLU3013",
            "MeshConfig",
            bay -> {
              bay.cluster.control().kill();
              bay.change("config", "spec: {", "spec: {certificate: {trustDomain: other.example}, ");
            },
            bay -> {
              bay.restore("config");
              bay.cluster.control().start();
            }));
    all.add(
        new Fault(
            "A certificate was revoked",
            "its serial number is written into `deniedSerials`",
            "peer_denied",
            "MeshConfig",
            bay -> bay.why("shop/buyer", "shop/far:8080"),
            bay ->
                bay.change(
                    "config",
                    "spec: {",
                    "spec: {certificate: {deniedSerials: [\"" + serial(bay) + "\"]}, "),
            bay -> bay.restore("config")));
  }

  private static String serial(SickBay bay) {
    return bay.daemon().view().certificates().stream()
        .filter(one -> one.path("identity").asText().endsWith("/sa/buyer"))
        .findFirst()
        .orElseThrow()
        .path("serial")
        .asText();
  }
}
