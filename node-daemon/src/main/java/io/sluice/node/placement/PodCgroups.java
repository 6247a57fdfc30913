package io.sluice.node.placement;

import io.sluice.mesh.PodUid;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Which pod a cgroup belongs to, by the paths that the kubelet makes:
 *
 * <ul>
 *   <li>driver cgroupfs: {@code /kubepods[/burstable|/besteffort]/pod<uid>/<container>}
 *   <li>driver systemd: {@code /kubepods.slice[/…]/kubepods[-burstable|-besteffort]-pod<uid>.slice/
 *       <runtime>-<container>.scope}, the dashes of the UID as underscores; a kubelet root such as
 *       {@code /kubelet} goes before every slice's name as well
 *   <li>a containerd that disagrees with its kubelet about the driver: {@code
 *       …/kubepods-burstable-pod<uid>.slice:cri-containerd:<container>}
 * </ul>
 *
 * <p>Anything may come before. Seen from inside a cgroup namespace, other pods' paths begin with
 * {@code /..} and may lack {@code kubepods}. The outermost pod of a path counts: what is nested in
 * a container was made by that container.
 */
final class PodCgroups {
  /** Deeper than any kubelet and nested container runtime goes. */
  private static final int MAX_DEPTH = 64;

  private static final Pattern SLICE =
      Pattern.compile(
          "(?:.*-)?kubepods(?:-burstable|-besteffort)?-pod([0-9a-fA-F_]{32,36})\\.slice(?::.*)?");

  private final String root;

  /** {@code root} as in {@link PlacementSettings#cgroupRoot}. */
  PodCgroups(String root) {
    this.root = root.equals("/") ? "/" : root + "/";
  }

  /**
   * The pod of a process.
   *
   * @param cgroupFile content of {@code /proc/<pid>/cgroup}, see cgroups(7): one line {@code 0::}
   *     for version 2, and one per controller of version 1
   */
  Optional<PodUid> podOf(String cgroupFile) {
    for (String line : (Iterable<String>) cgroupFile.lines()::iterator) {
      int controllers = line.indexOf(':');
      int path = controllers < 0 ? -1 : line.indexOf(':', controllers + 1);
      if (path >= 0) {
        Optional<PodUid> pod = podAt(line.substring(path + 1));
        if (pod.isPresent()) {
          return pod;
        }
      }
    }
    return Optional.empty();
  }

  private Optional<PodUid> podAt(String path) {
    if (!path.startsWith(root) || !path.contains("pod")) {
      return Optional.empty();
    }
    String[] names = path.substring(1).split("/", MAX_DEPTH);
    for (int i = 0; i < names.length; i++) {
      Matcher slice = SLICE.matcher(names[i]);
      Optional<PodUid> pod =
          slice.matches()
              ? PodUid.find(slice.group(1).replace('_', '-'))
              : names[i].startsWith("pod") && isKubeletsOwn(names, i - 1)
                  ? PodUid.find(names[i].substring("pod".length()))
                  : Optional.empty();
      if (pod.isPresent()) {
        return pod;
      }
    }
    return Optional.empty();
  }

  private static boolean isKubeletsOwn(String[] names, int parent) {
    int top =
        parent >= 0 && (names[parent].equals("burstable") || names[parent].equals("besteffort"))
            ? parent - 1
            : parent;
    // ".." stands for the cgroups above the reader's own namespace; no cgroup can have that name.
    return top >= 0 && (names[top].equals("kubepods") || names[top].equals(".."));
  }
}
