package io.sluice.node.placement;

import io.sluice.linux.LinuxException;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.netns.NetworkNamespaces;
import io.sluice.node.placement.PodNamespaces.FoundNamespace;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/** Opens what may have gone, or been replaced, since its path was learnt. */
record NamespaceOpening(NetworkNamespaces namespaces) {
  /**
   * Opens and then checks, since only what is open stays the same; the caller closes it.
   *
   * @return empty where it has gone, is no network namespace, or is not the right one
   * @throws LinuxException when it cannot be told
   */
  Optional<FoundNamespace> open(Path path, Predicate<NetnsHandle> isRight) {
    NetnsHandle netns;
    try {
      netns = namespaces.open(path);
    } catch (LinuxException e) {
      return switch (e.errno()) {
        case ENOENT, ESRCH, EINVAL -> Optional.empty();
        default -> throw e;
      };
    }
    boolean isKept = false;
    try {
      isKept = isRight.test(netns);
    } finally {
      if (!isKept) {
        netns.close();
      }
    }
    return isKept ? Optional.of(new FoundNamespace(path, netns, List.of())) : Optional.empty();
  }
}
