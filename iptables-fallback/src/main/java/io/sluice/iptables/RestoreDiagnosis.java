package io.sluice.iptables;

import io.sluice.linux.capability.Capabilities;
import io.sluice.linux.capability.Capability;
import io.sluice.linux.socket.Sockets.Family;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads from a failed restore which rule it was and what the kernel or the image lacks. */
final class RestoreDiagnosis {
  private static final Pattern LINE = Pattern.compile("\\bline:? (\\d+)");
  private static final Pattern TABLE = Pattern.compile("table [`'](\\w+)'");
  private static final Pattern LIBRARY =
      Pattern.compile("Couldn't load (?:match|target) [`'](\\w+)'");
  private static final Pattern REVISION = Pattern.compile("Extension (\\w+) revision");

  /** What they say of EPERM, also to root. */
  private static final String NOT_ROOT = "you must be root";

  private RestoreDiagnosis() {}

  static RedirectionException of(Tool tool, String script, String stderr) {
    return of(tool, script, stderr, Capabilities.effective());
  }

  /** The same for a process that may do this. */
  static RedirectionException of(
      Tool tool, String script, String stderr, Set<Capability> effective) {
    String rule = refusedLine(script, stderr);
    String diagnosis = stderr.isBlank() ? "no message" : String.join("; ", lines(stderr));
    String advice =
        lacksRawSockets(tool, stderr, effective)
            ? "it opens a raw socket: add CAP_NET_RAW to the daemon's container"
            : advice(tool, rule, stderr);
    return new RedirectionException(tool.toString(), rule, diagnosis, advice);
  }

  /** Legacy programs ask the kernel by a raw socket, and say of any failure the same. */
  private static boolean lacksRawSockets(Tool tool, String stderr, Set<Capability> effective) {
    return !tool.isNftables()
        && !effective.contains(Capability.CAP_NET_RAW)
        && (TABLE.matcher(stderr).find() || stderr.contains(NOT_ROOT));
  }

  private static List<String> lines(String stderr) {
    return stderr
        .lines()
        .map(String::strip)
        .filter(line -> !line.isEmpty() && !line.startsWith("Try ") && !line.startsWith("# "))
        .toList();
  }

  /** The line that the message counts to; a COMMIT stands for its whole table. */
  private static String refusedLine(String script, String stderr) {
    Matcher matcher = LINE.matcher(stderr);
    if (!matcher.find()) {
      return "";
    }
    List<String> lines = script.lines().toList();
    int number = Integer.parseInt(matcher.group(1));
    return number < 1 || number > lines.size() ? "" : lines.get(number - 1);
  }

  private static String advice(Tool tool, String rule, String stderr) {
    Matcher library = LIBRARY.matcher(stderr);
    if (library.find()) {
      return "the image lacks the iptables extension libxt_" + library.group(1);
    }
    Matcher table = TABLE.matcher(stderr);
    if (table.find()) {
      return missing(tableModule(tool, table.group(1)));
    }
    if (stderr.contains("CHAIN_ADD") || stderr.contains("CHAIN_USER_ADD")) {
      return missing("nf_tables, nft_compat and nft_chain_nat");
    }
    Matcher revision = REVISION.matcher(stderr);
    if (revision.find()) {
      return missing("xt_" + revision.group(1));
    }
    if (stderr.contains("xtables lock")) {
      return "another program holds the xtables lock; it is tried again";
    }
    return targetModule(tool, rule)
        .map(RestoreDiagnosis::missing)
        .orElse("run the line by hand inside the pod's namespace");
  }

  private static String tableModule(Tool tool, String table) {
    return (tool.family() == Family.IPV4 ? "iptable_" : "ip6table_") + table;
  }

  private static Optional<String> targetModule(Tool tool, String rule) {
    if (rule.contains("-j REDIRECT")) {
      return Optional.of("xt_REDIRECT (nft: nft_redir, nft_compat)");
    }
    if (rule.contains("-j DNAT")) {
      return Optional.of("xt_nat (nft: nft_nat, nft_compat)");
    }
    if (rule.contains("-j REJECT")) {
      return Optional.of(
          (tool.family() == Family.IPV4 ? "ipt_REJECT" : "ip6t_REJECT") + " (nft: nft_reject)");
    }
    if (rule.contains("-m mark")) {
      return Optional.of("xt_mark (nft: nft_compat)");
    }
    if (rule.contains("-m cgroup")) {
      return Optional.of("xt_cgroup (nft: nft_compat)");
    }
    return rule.equals("COMMIT")
        ? Optional.of("one of xt_mark, xt_tcpudp, xt_REDIRECT, xt_nat, ipt_REJECT")
        : Optional.empty();
  }

  private static String missing(String module) {
    return "if the kernel module is missing, `modprobe` on the node: " + module;
  }
}
