package io.sluice.lab.demo;

import io.sluice.mesh.IpAddresses;
import java.io.PrintWriter;

/** How to look around in a demo that was kept. */
final class KeptHints {
  private KeptHints() {}

  static void print(DemoPlan plan, DemoMode mode, String option, String page, PrintWriter out) {
    String node = " --node-name " + plan.node();
    head("The shop is still running", page, out);
    command(out, "./sluice node status" + node, "daemon, memory, where its metrics are");
    command(out, "./sluice node pods" + node, "who is enrolled");
    if (mode.countsInMaps()) {
      command(out, "./sluice node maps list" + node, "maps in the kernel");
    } else {
      command(
          out,
          "ip netns exec " + plan.netns(DemoPod.BUYER) + " iptables-save -c",
          "rules in a pod, with what each has counted");
    }
    command(out, "./sluice node maps dump verdict_counters" + node, "verdicts by pod and reason");
    command(out, "./sluice node events --follow" + node, "refusals as they happen");
    command(out, call(plan, DemoPod.BUYER), "an allowed call");
    command(out, call(plan, DemoPod.THIEF), "a refused one");
    command(out, buy(plan), "a book by HTTP, where curl is installed");
    command(out, "ls " + plan.registry(), "the YAML; edit it, and the change is in force");
    command(out, "tail -f " + plan.accessLog(), "one line per connection");
    command(out, "./sluice demo --stop" + option, "end it and remove everything");
  }

  /** The same for two nodes. */
  static void printNodes(NodesPlan plan, String option, String page, PrintWriter out) {
    head("The shop is still running on two nodes", page, out);
    for (DemoNode node : plan.nodes()) {
      command(out, "./sluice node status --node-name " + node.name(), "daemon of " + node.name());
      command(out, "./sluice node certificates --node-name " + node.name(), "its certificates");
    }
    command(
        out,
        "ip netns exec " + plan.demo().network() + " tcpdump -ni any port 15008",
        "the wire between the nodes");
    command(out, call(plan.demo(), DemoPod.BUYER), "an allowed call");
    command(out, call(plan.demo(), DemoPod.THIEF), "a refused one");
    command(out, "ls " + plan.demo().registry(), "the YAML; edit it, and the change is in force");
    command(out, "./sluice demo --stop" + option, "end it and remove everything");
  }

  private static void head(String what, String page, PrintWriter out) {
    out.println();
    out.println(what + ", with customers. In a browser of this machine:");
    out.println("  " + page);
    out.println("As root:");
  }

  private static String call(DemoPlan plan, DemoPod pod) {
    return "ip netns exec "
        + plan.netns(pod)
        + " bash -c 'head -1 </dev/tcp/"
        + DemoPlan.serviceAddress(IpFamily.IPV4, 10)
        + "/"
        + DemoPlan.SERVICE_PORT
        + "'";
  }

  private static String buy(DemoPlan plan) {
    return "ip netns exec "
        + plan.netns(DemoPod.BUYER)
        + " curl -i http://"
        + IpAddresses.text(DemoPlan.books(IpFamily.IPV4, DemoPlan.BOOKS_PORT))
        + Purchases.BUY;
  }

  private static void command(PrintWriter out, String command, String meaning) {
    out.println("  # " + meaning);
    out.println("  " + command);
  }
}
