package io.sluice.kernel;

import io.sluice.iptables.ClientAddresses;
import io.sluice.iptables.PodBarrier;
import io.sluice.iptables.PodForwarding;
import io.sluice.lab.site.Commands;
import io.sluice.lab.site.SitePod;
import io.sluice.linux.bpf.AttachType;
import io.sluice.linux.bpf.AttachedPrograms;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.mesh.LoopbackRange;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** What either mechanism has put inside a pod's namespace, as anybody could see it. */
public final class Traces {
  private static final List<String> SAVES = List.of("iptables-nft-save", "ip6tables-nft-save");

  private Traces() {}

  /** Rules and programs; empty when the pod is left alone. */
  public static List<String> in(SitePod pod) {
    List<String> traces = new ArrayList<>(rules(pod));
    traces.addAll(programs(pod));
    traces.addAll(tables(pod, PodBarrier.TABLE, ClientAddresses.TABLE, PodForwarding.TABLE));
    traces.addAll(routes(pod, ClientAddresses.ROUTES, LoopbackRange.IPV6));
    return traces;
  }

  /** What makes the range for redirected IPv6 connections loopback. */
  static List<String> loopbackRange(SitePod pod) {
    return routes(pod, LoopbackRange.IPV6);
  }

  /** Programs that steer what arrives. */
  static List<String> programs(SitePod pod) {
    try (NetnsHandle netns = pod.open()) {
      return AttachedPrograms.toNetns(netns, AttachType.SK_LOOKUP).stream()
          .map(program -> "sk_lookup program " + program)
          .toList();
    }
  }

  /** What shows true clients to applications where rules intercept. */
  static List<String> presentedClients(SitePod pod) {
    List<String> traces = new ArrayList<>(tables(pod, ClientAddresses.TABLE));
    traces.addAll(routes(pod, ClientAddresses.ROUTES));
    return traces;
  }

  private static List<String> routes(SitePod pod, Object... words) {
    return Stream.of("-4", "-6")
        .map(family -> List.of("ip", family, "-n", pod.netns(), "-batch", "-"))
        .flatMap(command -> Commands.run(command, "rule\nroute show table all\n").lines())
        .filter(line -> Stream.of(words).anyMatch(word -> line.contains(" " + word)))
        .toList();
  }

  /** The table that refuses everything. */
  static List<String> barriers(SitePod pod) {
    return tables(pod, PodBarrier.TABLE);
  }

  private static List<String> tables(SitePod pod, String... names) {
    return Commands.run("nsenter", "--net=" + pod.path(), "nft", "list", "tables")
        .lines()
        .filter(line -> Stream.of(names).anyMatch(name -> line.endsWith(" " + name)))
        .toList();
  }

  /** Our chains, jumps and rules of both families, in order. */
  static List<String> rules(SitePod pod) {
    List<String> rules = new ArrayList<>();
    for (String save : SAVES) {
      Commands.run("nsenter", "--net=" + pod.path(), save)
          .lines()
          .filter(line -> line.contains("SLUICE"))
          .map(line -> save + " " + line.replaceAll(" \\[\\d+:\\d+]", ""))
          .forEach(rules::add);
    }
    return rules;
  }

  /** Whether our jumps stand before the rules of others in the chains that they share. */
  static boolean areFirst(SitePod pod) {
    for (String save : SAVES) {
      String chain = "";
      for (String line : Commands.run("nsenter", "--net=" + pod.path(), save).lines().toList()) {
        if (line.startsWith("-A ") && !line.startsWith("-A SLUICE")) {
          String next = line.split(" ", -1)[1];
          if (!next.equals(chain) && !line.contains("SLUICE")) {
            return false;
          }
          chain = next;
        }
      }
    }
    return true;
  }
}
