"""Every dashboard, in the order in which they are listed."""

from dashboards.application import APPLICATION
from dashboards.approvals import APPROVALS
from dashboards.documents import DOCUMENTS
from dashboards.fairness import FAIRNESS
from dashboards.flow import FLOW
from dashboards.model import MODEL
from dashboards.panels import Dashboard
from dashboards.quality import QUALITY
from dashboards.today import TODAY

DASHBOARDS: dict[str, Dashboard] = {
    dashboard.uid: dashboard for dashboard in (TODAY, FLOW, APPROVALS, MODEL, FAIRNESS, DOCUMENTS, QUALITY, APPLICATION)
}
