package io.sluice.lab.site;

import io.sluice.mesh.PodUid;

/** How a kubelet and its runtime name the cgroup of a container. */
public enum CgroupDriver {
  /** {@code kubepods/burstable/pod<uid>/<container>}. */
  CGROUPFS,
  /**
   * {@code kubepods.slice/…/kubepods-burstable-pod<uid>.slice/cri-containerd-<container>.scope}.
   */
  SYSTEMD;

  /** The container's cgroup, below the kubelet's root. */
  public String containerOf(PodUid uid, String container) {
    return switch (this) {
      case CGROUPFS -> "kubepods/burstable/pod" + uid + "/" + container;
      case SYSTEMD ->
          "kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod"
              + uid.text().replace('-', '_')
              + ".slice/cri-containerd-"
              + container
              + ".scope";
    };
  }
}
