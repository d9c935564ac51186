//! Texts of the page `/order`.

texts! {
    HEADING = "Order", "순서";
    INTRODUCTION =
        "What order do subscribers see when several producers publish at the same time? Here it can be watched, compared and measured.",
        "여러 발행자가 동시에 발행하면 구독자는 어떤 순서로 메시지를 볼까요? 이 페이지에서 직접 보고, 비교하고, 측정할 수 있습니다.";

    // The settings
    SETTINGS = "Settings of the run", "실행 설정";
    PRODUCERS = "Producers", "발행자 수";
    SUBSCRIBERS = "Subscribers", "구독자 수";
    MESSAGES = "Messages of each producer", "발행자당 메시지 수";
    SEED = "Seed", "시드";
    NEW_SEED = "New seed", "새 시드";
    DELAYS = "Mean delay between messages, in milliseconds", "메시지 사이의 평균 지연(밀리초)";
    SLOW = "Slow subscribers", "느린 구독자";
    /// The label of the delay of a producer.
    DELAY_OF = "Producer {}", "발행자 {}";
    /// The label of the switch of a subscriber.
    SLOW_OF = "Subscriber {}", "구독자 {}";
    ADDRESS_NOTE =
        "The address of this page has the seed and all settings: the same address shows the same simulation again.",
        "시드와 모든 설정이 이 페이지의 주소에 들어 있습니다. 같은 주소를 열면 같은 시뮬레이션이 그대로 다시 나옵니다.";
    BAD_NUMBER = "Enter a whole number from {} to {}.", "{}에서 {} 사이의 정수를 입력하세요.";

    // The run over this server
    LIVE = "This server, now", "지금 이 서버에서";
    LIVE_TEXT =
        "The producers publish to the topic “order”, and each column is a subscriber with a connection of its own. It shows the messages in the order in which they arrived, each with the position that the server gave it. There is one such position for every message of the server, so all columns are equal: on this page, and on every other page that is open in another browser. A slow subscriber is behind, but it sees the same order.",
        "발행자들은 “order” 토픽에 발행하고, 각 열은 자기만의 연결을 가진 구독자입니다. 메시지를 도착한 순서대로, 서버가 매긴 위치 번호와 함께 보여 줍니다. 서버는 모든 메시지에 하나뿐인 위치 번호를 매기므로 모든 열이 같습니다. 이 페이지뿐 아니라 다른 브라우저에서 열린 페이지도 마찬가지입니다. 느린 구독자는 뒤처지지만 같은 순서를 봅니다.";
    START = "Start the producers", "발행 시작";
    STOP = "Stop", "중지";
    READY = "The producers of this page have not started.", "이 페이지의 발행자는 아직 시작하지 않았습니다.";
    STARTING = "The producers are connecting.", "발행자가 연결하고 있습니다.";
    RUNNING = "{} of {} messages accepted by the server.", "{} / {}개의 메시지를 서버가 받았습니다.";
    DONE = "All {} messages were accepted by the server.", "메시지 {}개를 서버가 모두 받았습니다.";
    STOPPED = "Stopped after {} of {} messages.", "{} / {}개의 메시지를 보낸 뒤 중지했습니다.";
    FAILED = "The run has ended: {}", "실행이 끝났습니다: {}";
    NO_CONNECTION = "the producers have no connection to the server.", "발행자가 서버에 연결되어 있지 않습니다.";
    NOTHING_YET = "No messages yet. Start the producers here or on another open page.", "아직 메시지가 없습니다. 여기나 열려 있는 다른 페이지에서 발행을 시작하세요.";
    /// The heading of a column.
    COLUMN = "Subscriber {}", "구독자 {}";
    RECEIVED = "{} received", "{}개 받음";
    BEHIND = "{} received, {} behind", "{}개 받음, {}개 뒤처짐";
    MISSED = "{} skipped by the server", "서버가 {}개 건너뜀";
    FOREIGN = "{} of others", "다른 메시지 {}개";
    CONNECTING = "connecting", "연결 중";
    LOST = "connection lost", "연결 끊김";
    LOST_WITH = "connection lost: {}", "연결 끊김: {}";
    EQUAL_SO_FAR = "Equal so far: {} columns, row by row, over {} messages.", "지금까지 같음: {}개 열의 메시지 {}개가 한 줄씩 모두 같습니다.";
    EQUAL = "All {} columns are equal: {} messages in one order.", "{}개 열이 모두 같습니다. 메시지 {}개가 하나의 순서로 도착했습니다.";
    DIGEST = "Digest", "다이제스트";
    DIFFERENT = "The columns differ at row {}: column {} has {}, column {} has {}.", "{}번째 줄에서 열이 다릅니다. {}번 열은 {}, {}번 열은 {}입니다.";
    /// A message with its position.
    AT_POSITION = "{} at {}", "{} (위치 {})";
    SAMPLE = "The newest {} rows are drawn; all messages are counted and compared.", "최근 {}줄만 그리지만, 모든 메시지를 세고 비교합니다.";
    OTHERS = "Other open pages", "열려 있는 다른 페이지";
    NO_OTHERS = "No other page is open. Open this address in another browser or on a phone: its subscribers take part, and are compared here.", "열려 있는 다른 페이지가 없습니다. 이 주소를 다른 브라우저나 휴대전화에서 열면 그 구독자도 함께 받고, 여기에서 비교합니다.";
    MORE_OTHERS = "There are more pages than are compared.", "비교하는 수보다 더 많은 페이지가 열려 있습니다.";
    OTHER_SAME = "{} columns, equal to ours over {} messages", "{}개 열, 메시지 {}개가 이 페이지와 같음";
    OTHER_DIFFERENT = "{} columns, different from ours within {} messages", "{}개 열, 메시지 {}개 안에서 이 페이지와 다름";
    OTHER_UNKNOWN = "has nothing to compare yet", "아직 비교할 것이 없음";
    /// The name of another page.
    PAGE = "Page {}", "페이지 {}";

    // Rights
    MAY_NOT_READ =
        "You do not have the right to subscribe to “order.>”, so no subscriber of this page receives anything, and other pages cannot be found. The simulation below needs no right.",
        "“order.>”를 구독할 권한이 없어 이 페이지의 구독자는 아무것도 받지 못하고 다른 페이지도 찾을 수 없습니다. 아래의 시뮬레이션에는 권한이 필요하지 않습니다.";
    MAY_NOT_WRITE =
        "You do not have the right to publish to “order.>”, so you cannot start the producers or measure here. Ask for the right, or start them on the page of another user.",
        "“order.>”에 발행할 권한이 없어 여기에서는 발행을 시작하거나 측정할 수 없습니다. 권한을 요청하거나 다른 사용자의 페이지에서 시작하세요.";

    // The cost
    COST = "What one order costs here", "하나의 순서에 드는 비용";
    COST_TEXT =
        "The same producers send the same number of messages as fast as they can, all to one topic or each to a topic of its own; the time runs until every subscriber has everything, and the rounds alternate. Carillon gives the positions of all topics in one place, so separate topics have an order too, and the difference is what it costs to share one topic. Most of the time is spent in this browser.",
        "같은 발행자들이 같은 수의 메시지를 최대한 빠르게 보내되, 한 번은 모두 한 토픽으로, 한 번은 각자의 토픽으로 보냅니다. 모든 구독자가 전부 받을 때까지의 시간을 재며, 두 방식을 번갈아 측정합니다. Carillon은 모든 토픽의 위치 번호를 한곳에서 매기므로 토픽이 나뉘어도 순서가 있고, 측정한 차이는 한 토픽을 함께 쓰는 비용입니다. 시간의 대부분은 이 브라우저가 씁니다.";
    MEASURE = "Measure", "측정";
    MEASURE_BOUNDS = "{} rounds of {} messages, each at most {} seconds.", "{}회, 회당 메시지 {}개, 한 회는 최대 {}초입니다.";
    MEASURING = "Round {} of {}.", "{} / {}회 측정 중입니다.";
    MEASURE_FAILED = "The measurement has ended without a result: {}", "측정이 결과 없이 끝났습니다: {}";
    TOO_SLOW = "a round took longer than {} seconds.", "한 회가 {}초보다 오래 걸렸습니다.";
    TOGETHER = "All producers, one topic", "모든 발행자가 한 토픽으로";
    APART = "Each producer, its own topic", "발행자마다 자기 토픽으로";
    RATE = "{} messages per second", "초당 메시지 {}개";
    NO_DIFFERENCE = "The difference of {} % is within the noise of {} % between equal rounds: no cost can be seen from here.", "차이 {}%는 같은 방식끼리의 오차 {}% 안에 있어, 여기서는 비용이 보이지 않습니다.";
    SLOWER = "One topic is {} % slower; equal rounds differ by {} %.", "한 토픽으로 보낼 때 {}% 느립니다. 같은 방식끼리의 차이는 {}%입니다.";
    FASTER = "One topic is {} % faster; equal rounds differ by {} %.", "한 토픽으로 보낼 때 {}% 빠릅니다. 같은 방식끼리의 차이는 {}%입니다.";

    // The simulation
    SIMULATION = "Simulation", "시뮬레이션";
    SIMULATION_TEXT =
        "The following columns are computed in this page, without the network, from the seed and the settings above. All brokers get the same messages at the same times.",
        "아래의 열은 네트워크 없이 이 페이지 안에서 위의 시드와 설정으로 계산합니다. 모든 브로커가 같은 시각에 같은 메시지를 받습니다.";
    ORDERED = "A topic of Carillon", "Carillon의 토픽";
    ORDERED_TEXT =
        "This is Carillon’s own broker, compiled into this page. A topic is one log, and every subscriber reads this log at its own pace: so all columns are equal, whatever the delays are.",
        "이 페이지에 포함된 Carillon 브로커 그 자체입니다. 토픽은 하나의 로그이고, 모든 구독자는 이 로그를 자기 속도로 읽습니다. 그래서 지연이 어떻든 모든 열이 같습니다.";
    UNORDERED = "A broker without total order", "전체 순서가 없는 브로커";
    UNORDERED_TEXT =
        "This broker has a queue for each pair of producer and subscriber, and nothing that orders them. The messages of one producer stay in order, but subscribers see the producers mixed differently. A broker may do this unless it promises a total order.",
        "이 브로커에는 전체 순서(total order)가 없습니다. 발행자와 구독자의 쌍마다 큐를 따로 두고, 그 사이의 순서는 정하지 않습니다. 한 발행자의 메시지는 순서대로 도착하지만, 발행자들이 섞이는 순서는 구독자마다 다릅니다. 전체 순서를 약속하지 않는 브로커에서는 이런 일이 생길 수 있습니다.";
    PRODUCERS_KEPT = "In every column the messages of each producer are in order.", "모든 열에서 발행자별 메시지 순서는 지켜집니다.";
    PRODUCERS_BROKEN = "The messages of a producer are not in order.", "한 발행자의 메시지 순서가 지켜지지 않았습니다.";
    EQUAL_BY_CHANCE = "With this seed all {} columns are equal by chance, over {} messages. Try another seed.", "이 시드에서는 {}개 열의 메시지 {}개가 우연히 모두 같습니다. 다른 시드를 사용해 보세요.";
    QUEUE = "A queue", "큐";
    QUEUE_TEXT =
        "A queue gives each message to one of its consumers, which take the next one when they have acknowledged the last. Each column ascends, and together they have every message once. A slow consumer takes fewer. Who has finished first is not decided by the queue: the order of the work needs one consumer.",
        "큐는 메시지마다 소비자 하나에게만 줍니다. 소비자는 앞의 메시지를 확인한 뒤 다음 메시지를 가져갑니다. 각 열은 위치 순서이고, 모든 열을 합치면 메시지가 한 번씩만 나옵니다. 느린 소비자는 더 적게 가져갑니다. 어느 소비자가 먼저 끝낼지는 큐가 정하지 않으므로, 처리 순서까지 지키려면 소비자가 하나여야 합니다.";
    CONSUMER = "Consumer {}", "소비자 {}";
    TAKEN = "{} taken", "{}개 가져감";
    EACH_ONCE = "{} messages, each taken once: {}.", "메시지 {}개를 한 번씩만 가져갔습니다: {}.";
    NOT_ONCE = "A message is missing or was taken twice.", "빠졌거나 두 번 가져간 메시지가 있습니다.";
    VIRTUAL = "A virtual topic", "가상 토픽";
    VIRTUAL_TEXT =
        "Producers publish to the topic “VirtualTopic.order”, which feeds a queue for each application. Both queues have all messages in the order of the topic, and inside an application each message goes to one consumer. So topic and queue are combined: every application sees everything, and its work is shared.",
        "발행자는 “VirtualTopic.order” 토픽에 발행하고, 이 토픽이 애플리케이션마다 있는 큐를 채웁니다. 두 큐 모두 토픽의 순서대로 모든 메시지를 가지며, 한 애플리케이션 안에서는 메시지마다 소비자 하나에게만 갑니다. 토픽과 큐를 함께 쓰는 방법으로, 애플리케이션마다 모든 메시지를 받으면서 일은 나누어 처리합니다.";
    /// The heading of the column of a consumer of an application.
    CONSUMER_OF = "{}, consumer {}", "{}, 소비자 {}";
    EACH_ONCE_OF = "Application {}: {}", "애플리케이션 {}: {}";
    BILLING = same "billing";
    STOCK = same "stock";
}
