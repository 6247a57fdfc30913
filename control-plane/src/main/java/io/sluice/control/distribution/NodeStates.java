package io.sluice.control.distribution;

import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** How each node stands, also after it has gone; those that changed last are kept. Any thread. */
final class NodeStates {
  private static final int MOST = 4_096;

  private final Map<String, NodeState> states =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, NodeState> eldest) {
          return size() > MOST;
        }
      };

  synchronized void put(NodeState state) {
    states.put(state.node(), state);
  }

  synchronized List<NodeState> list() {
    return states.values().stream().sorted(Comparator.comparing(NodeState::node)).toList();
  }
}
