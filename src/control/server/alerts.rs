//! Alerts, for a client: those that go on, notices on their way, and tests.

use std::io;

use tokio::sync::oneshot;

use super::Client;
use crate::control::answer::{now, stopping};
use crate::control::order::{TestingAlert, Wish};
use crate::control::protocol::{Done, Fault, Item};
use crate::status::SCHEMA;

impl Client<'_> {
    pub(super) async fn alerts(&mut self) -> io::Result<Result<Done, Fault>> {
        let (alerts, deliveries) = (self.board.alerts(), self.board.deliveries());
        let subscriptions = self.board.subscriptions();
        let number = |all: usize| u32::try_from(all).unwrap_or(u32::MAX);
        let done = Done::Alerts {
            schema: SCHEMA,
            at: now(),
            alerts: number(alerts.len()),
            deliveries: number(deliveries.len()),
            subscriptions: number(subscriptions.len()),
        };
        for alert in alerts {
            self.lines.item(Item::Alert(alert)).await?;
        }
        for delivery in deliveries {
            self.lines.item(Item::Delivery(delivery)).await?;
        }
        for subscription in subscriptions {
            self.lines.item(Item::Subscription(subscription)).await?;
        }
        Ok(Ok(done))
    }

    pub(super) async fn test_alert(
        &mut self,
        names: Vec<String>,
    ) -> io::Result<Result<Done, Fault>> {
        let (answer, mut told) = oneshot::channel();
        let wish = Wish::TestAlert(TestingAlert {
            names,
            uid: Some(self.uid),
            answer,
        });
        if self.wishes.send(wish).await.is_err() {
            return Ok(Err(stopping()));
        }
        let told = tokio::select! {
            told = &mut told => told,
            // It has hung up, or wants something else.
            said = self.lines.hears() => {
                said?;
                return Ok(Ok(Done::Tested { tests: 0 }));
            }
        };
        let tested = match told {
            Ok(Ok(tested)) => tested,
            Ok(Err(fault)) => return Ok(Err(fault)),
            Err(_) => return Ok(Err(stopping())),
        };
        let tests = u32::try_from(tested.len()).unwrap_or(u32::MAX);
        for one in tested {
            self.lines.item(Item::Tested(one)).await?;
        }
        Ok(Ok(Done::Tested { tests }))
    }
}
