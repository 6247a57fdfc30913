package io.sluice.linux.bpf;

import io.sluice.linux.cgroup.Cgroups;
import io.sluice.linux.netns.NetnsHandle;
import java.nio.file.Path;
import java.util.List;

/**
 * Where objects, maps and links come from: the kernel, and in tests one that is made up. What it
 * gives is the caller's to close. Any thread.
 */
public interface BpfKernel {
  /** The kernel that this process runs on. */
  BpfKernel LINUX =
      new BpfKernel() {
        @Override
        public BpfObject open(byte[] elf, String name) {
          return BpfObject.open(elf, name);
        }

        @Override
        public BpfMapFd openMap(Path pin) {
          return BpfMapFd.openPinned(pin);
        }

        @Override
        public BpfLink openLink(Path pin) {
          return BpfLink.openPinned(pin);
        }

        @Override
        public BpfLink attachToRootCgroup(BpfProgramFd program, int attachType) {
          return BpfLink.attachCgroup(program, Cgroups.rootV2(), attachType);
        }

        @Override
        public BpfLink attachToNetns(BpfProgramFd program, NetnsHandle netns, int attachType) {
          return BpfLink.attachNetns(program, netns, attachType);
        }

        @Override
        public List<Integer> attachedToNetns(NetnsHandle netns, AttachType type) {
          return AttachedPrograms.toNetns(netns, type);
        }

        @Override
        public long cgroupId(Path cgroup) {
          return Cgroups.id(cgroup);
        }
      };

  /** As {@link BpfObject#open}. */
  BpfObject open(byte[] elf, String name);

  /** As {@link BpfMapFd#openPinned}. */
  BpfMapFd openMap(Path pin);

  /** As {@link BpfLink#openPinned}. */
  BpfLink openLink(Path pin);

  /** Attaches to the root of cgroup2, by a number of {@code enum bpf_attach_type}. */
  BpfLink attachToRootCgroup(BpfProgramFd program, int attachType);

  /** As {@link BpfLink#attachNetns}, by a number of {@code enum bpf_attach_type}. */
  BpfLink attachToNetns(BpfProgramFd program, NetnsHandle netns, int attachType);

  /** As {@link AttachedPrograms#toNetns}. */
  List<Integer> attachedToNetns(NetnsHandle netns, AttachType type);

  /** As {@link Cgroups#id}. */
  long cgroupId(Path cgroup);
}
