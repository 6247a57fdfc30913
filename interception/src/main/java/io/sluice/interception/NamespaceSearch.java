package io.sluice.interception;

import io.sluice.linux.netns.NetnsHandle;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Finds network namespaces of the node again: of pods that an earlier daemon enrolled, whose
 * recorded path may no longer lead there. For one thread at a time; may block.
 */
public interface NamespaceSearch {
  /** Finds none: where no earlier daemon can have enrolled any. */
  NamespaceSearch NOWHERE =
      new NamespaceSearch() {
        @Override
        public Optional<NetnsHandle> withCookie(long cookie) {
          return Optional.empty();
        }

        @Override
        public Optional<NetnsHandle> find(Path recorded, long cookie) {
          return Optional.empty();
        }
      };

  /** Opens the namespace with this cookie, if it is still there; the caller closes it. */
  Optional<NetnsHandle> withCookie(long cookie);

  /** The same, looking first at the path that was recorded for it. */
  Optional<NetnsHandle> find(Path recorded, long cookie);
}
