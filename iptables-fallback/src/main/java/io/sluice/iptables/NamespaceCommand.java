package io.sluice.iptables;

import io.sluice.iptables.IptablesBackend.SideBySide;
import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.netns.LinuxNetworkNamespaces;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.netns.NetworkNamespaces;
import io.sluice.linux.process.ShortProgram;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/** Runs a program inside a network namespace, without a shell and with a deadline. */
final class NamespaceCommand {
  private static final Duration DEADLINE = Duration.ofSeconds(10);
  private static final NetworkNamespaces NAMESPACES = new LinuxNetworkNamespaces();

  /** Or messages and numbers would be those of the node's language. */
  private static final Map<String, String> LANGUAGE = Map.of("LC_ALL", "C");

  private NamespaceCommand() {}

  /**
   * Any thread; for a virtual one, which would keep others waiting, a platform thread does it.
   * Status 124 when the deadline passed, as timeout(1) says it.
   *
   * @throws RedirectionException where the program is not installed, or the namespace cannot be
   *     entered
   */
  static ShortProgram.End run(NetnsHandle namespace, List<String> command, String input) {
    if (Thread.currentThread().isVirtual()) {
      Supplier<ShortProgram.End> there = () -> run(namespace, command, input);
      return SideBySide.run(List.of(there)).getFirst();
    }
    try (ShortProgram program = in(namespace, () -> ShortProgram.start(command, LANGUAGE))) {
      return program.finish(input, DEADLINE);
    } catch (LinuxException e) {
      throw new RedirectionException(
          command.getFirst(),
          "",
          String.valueOf(e.getMessage()),
          e.errno() == Errno.ENOENT
              ? "install " + command.getFirst()
              : "the daemon has to enter the pod's namespace and to start programs");
    }
  }

  /**
   * Commands of {@code ip} by one process, each whatever becomes of those before; of one that fails
   * the errors have {@code Command failed -:LINE}.
   *
   * @param options that go before them, such as {@code -6}
   */
  static ShortProgram.End ip(NetnsHandle namespace, List<String> options, String... commands) {
    List<String> words = new ArrayList<>(List.of("ip"));
    words.addAll(options);
    words.addAll(List.of("-force", "-batch", "-"));
    return run(namespace, words, String.join("\n", commands) + "\n");
  }

  /** Runs a short body inside the namespace; of a virtual thread by a platform thread. */
  static <T> T in(NetnsHandle namespace, Supplier<T> body) {
    Supplier<T> inside = () -> NAMESPACES.callIn(namespace, body::get);
    return Thread.currentThread().isVirtual()
        ? SideBySide.run(List.of(inside)).getFirst()
        : inside.get();
  }
}
