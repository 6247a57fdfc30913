package io.sluice.iptables;

import io.sluice.linux.LinuxException;
import io.sluice.linux.capability.Capabilities;
import io.sluice.linux.capability.Capability;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.socket.Sockets.Family;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The save and restore programs of one variant and family.
 *
 * @param variant {@code nft}, {@code legacy}, or {@code plain} when only unnamed programs exist
 */
record Tool(Family family, String variant, Path restore, Path save) {
  private static final String NFT = "nft";
  private static final String LEGACY = "legacy";

  /** Those that the programs know, whichever of them rules are put into. */
  private static final List<String> TABLES = List.of("filter", "nat", "mangle", "raw", "security");

  // linux/netfilter.h
  private static final int NFPROTO_IPV4 = 2;
  private static final int NFPROTO_IPV6 = 10;

  private static final Path NET = Path.of("/proc/thread-self/net");

  private static final List<Path> DIRECTORIES =
      List.of(
          Path.of("/usr/sbin"),
          Path.of("/sbin"),
          Path.of("/usr/local/sbin"),
          Path.of("/usr/bin"),
          Path.of("/bin"));

  /** How long a program may wait for the xtables lock, in seconds. */
  private static final String LOCK_WAIT_SECONDS = "5";

  /** Programs of this machine, in the order of preference. */
  static List<Tool> installed(Family family) {
    String base = family == Family.IPV4 ? "iptables" : "ip6tables";
    List<Tool> found = new ArrayList<>();
    add(found, family, NFT, base + "-nft");
    add(found, family, LEGACY, base + "-legacy");
    if (found.isEmpty()) {
      add(found, family, "plain", base);
    }
    return found;
  }

  private static void add(List<Tool> found, Family family, String variant, String prefix) {
    for (Path directory : DIRECTORIES) {
      Path restore = directory.resolve(prefix + "-restore");
      Path save = directory.resolve(prefix + "-save");
      if (Files.isExecutable(restore) && Files.isExecutable(save)) {
        found.add(new Tool(family, variant, restore, save));
        return;
      }
    }
  }

  /** Whether it writes nftables rules for sure. */
  boolean isNftables() {
    return variant.equals(NFT);
  }

  /** The namespace's rules. Starts no program where none of the tables is there. */
  SavedRules save(NetnsHandle namespace) {
    if (hasNoTable(namespace)) {
      return SavedRules.parse("");
    }
    var result = NamespaceCommand.run(namespace, List.of(save.toString(), "-c"), "");
    if (!result.isSuccess()) {
      throw RestoreDiagnosis.of(this, "", result.errors());
    }
    return SavedRules.parse(result.output());
  }

  /** For sure; asks as the program would, which a pod that starts need not wait for. */
  private boolean hasNoTable(NetnsHandle namespace) {
    return switch (variant) {
      case NFT -> hasNoNftTable(namespace);
      case LEGACY -> hasNoLegacyTable(namespace);
      default -> false;
    };
  }

  private boolean hasNoNftTable(NetnsHandle namespace) {
    try (var tables = NamespaceCommand.in(namespace, NfTablesSocket::openHere)) {
      return TABLES.stream().allMatch(table -> tables.lacks(protocol(), table));
    } catch (LinuxException e) {
      return false; // nobody knows
    }
  }

  /** Which tables a namespace has is in a file of its own once the module is there. */
  private boolean hasNoLegacyTable(NetnsHandle namespace) {
    Path names = NET.resolve(family == Family.IPV4 ? "ip_tables_names" : "ip6_tables_names");
    try {
      return NamespaceCommand.in(
          namespace,
          () -> {
            try {
              return Files.readString(names).isEmpty();
            } catch (NoSuchFileException e) {
              return Files.exists(NET.resolve("dev"));
            } catch (IOException e) {
              return false; // nobody knows
            }
          });
    } catch (LinuxException e) {
      return false; // it cannot be entered, as the program will say
    }
  }

  /**
   * Packet counters of these chains' rules, as {@link SavedRules#packets()} has them, without a
   * program; empty where that cannot be told. Only for {@link #isNftables}.
   *
   * @param chains each after its table's name
   */
  Optional<Map<String, List<Long>>> packets(NetnsHandle namespace, Set<String> chains) {
    try (var tables = NamespaceCommand.in(namespace, NfTablesSocket::openHere)) {
      Map<String, List<Long>> packets = new HashMap<>();
      for (String chain : chains) {
        String[] words = chain.split(" ");
        packets.put(chain, tables.packets(protocol(), words[0], words[1]));
      }
      return Optional.of(packets);
    } catch (LinuxException e) {
      return Optional.empty();
    }
  }

  private int protocol() {
    return family == Family.IPV4 ? NFPROTO_IPV4 : NFPROTO_IPV6;
  }

  /** Applies a script; each of its tables at once or not at all. */
  void restore(NetnsHandle namespace, String script) {
    if (script.isEmpty()) {
      return;
    }
    var result =
        NamespaceCommand.run(
            namespace, List.of(restore.toString(), "--noflush", "-w", LOCK_WAIT_SECONDS), script);
    if (!result.isSuccess()) {
      throw RestoreDiagnosis.of(this, script, result.errors());
    }
  }

  /**
   * Takes away the built-in chains and tables that hold nothing, and with the last nat chain
   * connection tracking. Only nft can; a legacy table stays until the namespace ends.
   */
  void dropIdle(NetnsHandle namespace) {
    if (!isNftables()) {
      return;
    }
    SavedRules now = save(namespace);
    for (Rule.Table table : Rule.Table.values()) {
      // Refused when somebody has just put a rule there: then it stays.
      now.idleChains(table.label())
          .forEach(chain ->
              NamespaceCommand.run(
                  namespace,
                  List.of(restore.toString(), "--noflush", "-w", LOCK_WAIT_SECONDS),
                  "*" + table.label() + "\n-X " + chain + "\nCOMMIT\n"));
      dropEmpty(namespace, (family == Family.IPV4 ? "ip " : "ip6 ") + table.label());
    }
  }

  /** Where nft is not installed, an empty table stays. */
  private static void dropEmpty(NetnsHandle namespace, String table) {
    var listed = NamespaceCommand.run(namespace, List.of(NFT, "list table " + table), "");
    if (listed.isSuccess()
        && listed.output().lines().filter(line -> !line.isBlank()).count() <= 2) {
      NamespaceCommand.run(namespace, List.of(NFT, "delete table " + table), "");
    }
  }

  @Override
  public String toString() {
    return restore.getFileName() + " " + family;
  }

  /** Reads from a failed restore which rule it was and what the kernel or the image lacks. */
  static final class RestoreDiagnosis {
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
}
